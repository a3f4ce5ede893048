/* Faults: which one, where, told over the link, kept over the reset (ARM DDI 0403, B1.5 and B3.2). */
#include "kt_boot.h"
#include "kt_cortex_m.h"
#include "kt_port.h"

/* CFSR */
#define MSTKERR (1U << 4)
#define MMARVALID (1U << 7)
#define STKERR (1U << 12)
#define BFARVALID (1U << 15)
#define UNALIGNED (1U << 24)
#define DIVBYZERO (1U << 25)
#define MEMORY_BITS 0x000000FFU
#define BUS_BITS 0x0000FF00U
#define USAGE_BITS 0xFFFF0000U

#define EXC_RETURN_PSP (1U << 2)
#define EXC_RETURN_NO_FPU (1U << 4)

/* Region of 256 bytes without access, below the stack. */
#define GUARD_RASR ((7U << 1) | 1U)

void kt_enable_faults(void)
{
    SCB_SHCSR |= 7U << 16; /* memory, bus and usage faults have handlers of their own */
    SCB_CCR |= 1U << 4;    /* division by zero is a fault */
    if (MPU_TYPE != 0) {
        MPU_RNR = 0;
        MPU_RBAR = (uint32_t)(uintptr_t)kt_stack_guard;
        MPU_RASR = GUARD_RASR;
        MPU_CTRL = (1U << 2) | 1U; /* everywhere else the default map holds; off in hard faults */
        __asm__ volatile("dsb\n isb");
    }
}

void kt_fault_end(const kt_fault *fault, const char *text)
{
    __asm__ volatile("cpsid i");
    kt_boot_keep(fault);
    kt_board_fault(&kt_the_board, fault, text);
    kt_port_reset();
}

void kt_port_reset(void)
{
    SCB_AIRCR = 0x05FA0000U | (1U << 2); /* SYSRESETREQ */
    for (;;) {
        __asm__ volatile("dsb");
    }
}

void kt_port_arena_overflow(const uint32_t *where)
{
    const kt_fault fault = {.cause = KT_FAULT_ARENA_OVERFLOW, .address = (uint32_t)(uintptr_t)where};
    kt_fault_end(&fault, "");
}

/* What newlib's assert calls. */
__attribute__((noreturn)) void __assert_func(const char *file, int line, const char *function, const char *condition)
{
    (void)function;
    const kt_fault fault = {
        .cause = KT_FAULT_ASSERTION,
        .pc = (uint32_t)(uintptr_t)__builtin_return_address(0),
        .address = (uint32_t)line,
    };
    (void)file;
    kt_fault_end(&fault, condition);
}

static int is_in_ram(uint32_t address, uint32_t bytes)
{
    return address >= (uint32_t)(uintptr_t)kt_stack_guard_end && address <= (uint32_t)(uintptr_t)kt_ram_end - bytes;
}

static uint32_t cause_of(uint32_t status, uint32_t sp, uint32_t address)
{
    const uint32_t guard = (uint32_t)(uintptr_t)kt_stack_guard;
    const uint32_t guard_end = (uint32_t)(uintptr_t)kt_stack_guard_end;
    /* A frame larger than the guard may step over it: below it there is no RAM at all. */
    if ((status & (MSTKERR | STKERR)) != 0 || sp < guard_end || (address >= guard && address < guard_end)) {
        return KT_FAULT_STACK_OVERFLOW;
    }
    if ((status & MEMORY_BITS) != 0) {
        return KT_FAULT_MEMORY;
    }
    if ((status & BUS_BITS) != 0) {
        return KT_FAULT_BUS;
    }
    if ((status & UNALIGNED) != 0) {
        return KT_FAULT_ALIGNMENT;
    }
    if ((status & DIVBYZERO) != 0) {
        return KT_FAULT_DIVISION;
    }
    return (status & USAGE_BITS) != 0 ? KT_FAULT_INSTRUCTION : KT_FAULT_HARD;
}

__attribute__((noreturn, used)) void kt_on_fault(uint32_t msp, uint32_t exc_return)
{
    uint32_t psp;
    __asm__ volatile("mrs %0, psp" : "=r"(psp));
    const uint32_t at = (exc_return & EXC_RETURN_PSP) != 0 ? psp : msp;
    const uint32_t status = SCB_CFSR;
    kt_fault fault = {.sp = at, .status = status, .hard_status = SCB_HFSR};
    if ((status & MMARVALID) != 0) {
        fault.address = SCB_MMFAR;
    } else if ((status & BFARVALID) != 0) {
        fault.address = SCB_BFAR;
    }
    if ((status & (MSTKERR | STKERR)) == 0 && is_in_ram(at, 32)) {
        const uint32_t *const frame = (const uint32_t *)(uintptr_t)at; /* r0-r3, r12, lr, pc, xpsr */
        fault.lr = frame[5];
        fault.pc = frame[6];
        fault.sp = at + ((exc_return & EXC_RETURN_NO_FPU) != 0 ? 32U : 104U);
    }
    const uint32_t active = SCB_ICSR & 0x1FFU;
    fault.cause = active == 2 || active > 6 ? KT_FAULT_INTERRUPT : cause_of(status, fault.sp, fault.address);
    if (fault.cause == KT_FAULT_INTERRUPT) {
        fault.address = active;
    }
    kt_fault_end(&fault, "");
}

#define KT_FAULT_HANDLER(name)                                                                                        \
    __attribute__((naked)) void name(void)                                                                           \
    {                                                                                                                \
        __asm__ volatile("mrs r0, msp\n mov r1, lr\n b kt_on_fault\n");                                              \
    }

KT_FAULT_HANDLER(kt_on_hard_fault)
KT_FAULT_HANDLER(kt_on_memory_fault)
KT_FAULT_HANDLER(kt_on_bus_fault)
KT_FAULT_HANDLER(kt_on_usage_fault)
KT_FAULT_HANDLER(kt_on_interrupt)
