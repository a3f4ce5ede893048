/* A 32-bit RISC-V under QEMU's `virt`: minstret counts instructions; output through the 16550's transmit register. */
#include "bench.h"

#define UART (*(volatile uint8_t *)0x10000000U)
#define TEST_FINISHER (*(volatile uint32_t *)0x100000U)

static uint64_t last;

static uint64_t instructions(void)
{
    uint32_t high, low, again;
    do {
        __asm__ volatile("csrr %0, minstreth" : "=r"(high));
        __asm__ volatile("csrr %0, minstret" : "=r"(low));
        __asm__ volatile("csrr %0, minstreth" : "=r"(again));
    } while (high != again);
    return ((uint64_t)high << 32) | low;
}

/* The compiler calls these by itself, and this toolchain comes without a C library. */
void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memset(void *to, int value, size_t count);

__attribute__((optimize("no-tree-loop-distribute-patterns"))) void *memcpy(
    void *restrict to, const void *restrict from, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    }
    return to;
}

__attribute__((optimize("no-tree-loop-distribute-patterns"))) void *memset(void *to, int value, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        ((uint8_t *)to)[i] = (uint8_t)value;
    }
    return to;
}

void machine_start_timer(void)
{
    last = instructions();
}

uint64_t machine_elapsed(void)
{
    const uint64_t now = instructions();
    const uint64_t spent = now - last;
    last = now;
    return spent;
}

void machine_print(const char *text)
{
    while (*text != '\0') {
        UART = (uint8_t)*text++;
    }
}

void machine_exit(void)
{
    TEST_FINISHER = 0x5555U;
    for (;;) {
    }
}

__attribute__((naked, section(".vectors"), used)) void start(void)
{
    /* QEMU loads the whole image into RAM: only the stack and the zeroed data are left to do. */
    __asm__ volatile("la sp, _stack_top\n"
                     "la t0, _bss_start\n"
                     "la t1, _bss_end\n"
                     "1: bgeu t0, t1, 2f\n"
                     "sw zero, 0(t0)\n"
                     "addi t0, t0, 4\n"
                     "j 1b\n"
                     "2: j main\n");
}
