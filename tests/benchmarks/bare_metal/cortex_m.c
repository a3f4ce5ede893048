/* A Cortex-M under QEMU: SysTick counts virtual nanoseconds, which under -icount shift=0 are instructions. */
#include "bench.h"

#define SYST_CSR (*(volatile uint32_t *)0xE000E010U)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014U)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018U)
#define CPACR (*(volatile uint32_t *)0xE000ED88U)

extern uint32_t _stack_top, _data_start, _data_end, _data_load, _bss_start, _bss_end;

static volatile uint32_t wraps; /* SysTick has 24 bits */
static uint64_t last;

static void semihost(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

void machine_print(const char *text)
{
    semihost(4, text); /* SYS_WRITE0 */
}

void machine_exit(void)
{
    semihost(0x18, (const void *)0x20026); /* SYS_EXIT, ADP_Stopped_ApplicationExit */
    for (;;) {
    }
}

static void systick(void)
{
    ++wraps;
}

static uint64_t instructions(void)
{
    uint32_t before;
    uint32_t ticks;
    do {
        before = wraps;
        ticks = 0xFFFFFFU - SYST_CVR;
    } while (before != wraps);
    return (((uint64_t)before << 24) + ticks) * 1000U / MACHINE_MHZ;
}

void machine_start_timer(void)
{
    SYST_RVR = 0xFFFFFFU;
    SYST_CVR = 0U;
    SYST_CSR = 7U;
    last = instructions();
}

uint64_t machine_elapsed(void)
{
    const uint64_t now = instructions();
    const uint64_t spent = now - last;
    last = now;
    return spent;
}

static void reset(void)
{
    const uint32_t *from = &_data_load;
    for (uint32_t *to = &_data_start; to < &_data_end; ++to) {
        *to = *from++;
    }
    for (uint32_t *to = &_bss_start; to < &_bss_end; ++to) {
        *to = 0U;
    }
    CPACR |= 0xFU << 20; /* the floating-point unit's registers */
    (void)main();
}

static void fault(void)
{
    machine_print("fault\n");
    machine_exit();
}

typedef void (*handler)(void);
__attribute__((section(".vectors"), used)) static const handler vectors[16] = {
    (handler)(uintptr_t)&_stack_top, reset, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault, fault, 0, fault, systick,
};
