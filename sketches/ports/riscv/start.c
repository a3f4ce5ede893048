/* From reset to main, and the trap vector: interrupts and faults run on a stack of their own. */
#include "kt_riscv.h"

__attribute__((noreturn, used)) void kt_start_c(void)
{
    for (uint32_t *to = kt_data_begin, *from = kt_data_load; to < kt_data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = kt_bss_begin; to < kt_bss_end;) {
        *to++ = 0;
    }
    kt_enable_guard();
    (void)main();
    for (;;) {
    }
}

__attribute__((naked, aligned(4), used)) void kt_on_trap(void)
{
    __asm__ volatile("csrrw sp, mscratch, sp\n" /* the handlers' stack; the program's pointer is in mscratch */
                     "addi sp, sp, -64\n"
                     "sw ra, 0(sp)\n sw t0, 4(sp)\n sw t1, 8(sp)\n sw t2, 12(sp)\n"
                     "sw a0, 16(sp)\n sw a1, 20(sp)\n sw a2, 24(sp)\n sw a3, 28(sp)\n"
                     "sw a4, 32(sp)\n sw a5, 36(sp)\n sw a6, 40(sp)\n sw a7, 44(sp)\n"
                     "sw t3, 48(sp)\n sw t4, 52(sp)\n sw t5, 56(sp)\n sw t6, 60(sp)\n"
                     "mv a0, ra\n"
                     "csrr a1, mscratch\n"
                     "call kt_on_trap_c\n"
                     "lw ra, 0(sp)\n lw t0, 4(sp)\n lw t1, 8(sp)\n lw t2, 12(sp)\n"
                     "lw a0, 16(sp)\n lw a1, 20(sp)\n lw a2, 24(sp)\n lw a3, 28(sp)\n"
                     "lw a4, 32(sp)\n lw a5, 36(sp)\n lw a6, 40(sp)\n lw a7, 44(sp)\n"
                     "lw t3, 48(sp)\n lw t4, 52(sp)\n lw t5, 56(sp)\n lw t6, 60(sp)\n"
                     "addi sp, sp, 64\n"
                     "csrrw sp, mscratch, sp\n"
                     "mret\n");
}

/* A jump per interrupt, as cores ask for that know vectored traps only (ESP32-C3 TRM, 1.4). */
__attribute__((naked, aligned(256), used)) void kt_vectors(void)
{
    __asm__ volatile(".option push\n .option norvc\n .rept 32\n j kt_on_trap\n .endr\n .option pop\n");
}

__attribute__((naked, section(".vectors"), used)) void kt_on_reset(void)
{
    __asm__ volatile("la t0, kt_vectors + 1\n" /* + 1: vectored */
                     "csrw mtvec, t0\n"
                     "la t0, kt_handler_stack_end\n"
                     "csrw mscratch, t0\n"
                     "la sp, kt_stack_end\n"
                     "j kt_start_c\n");
}
