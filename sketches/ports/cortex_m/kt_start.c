/* From the reset vector to main (ARM DDI 0403, B1.5.5). */
#include "kt_cortex_m.h"

__attribute__((noreturn, used)) void kt_start_c(void)
{
    SCB_CPACR |= 0xFU << 20; /* FPU, before any code that might use it */
    __asm__ volatile("dsb\n isb");
    for (uint32_t *to = kt_data_begin, *from = kt_data_load; to < kt_data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = kt_bss_begin; to < kt_bss_end;) {
        *to++ = 0;
    }
    kt_enable_faults();
    (void)main();
    for (;;) {
    }
}

/* The reset stack is the handlers': leave it to them, without a stack frame of our own on it. */
__attribute__((naked)) void kt_on_reset(void)
{
    __asm__ volatile("ldr r0, =kt_stack_end\n"
                     "msr psp, r0\n"
                     "movs r0, #2\n" /* thread mode uses PSP */
                     "msr control, r0\n"
                     "isb\n"
                     "b kt_start_c\n");
}

void kt_wait_for(const kt_ring *ring)
{
    /* Masked between the question and the sleep: an interrupt there still wakes, and is taken afterwards. */
    __asm__ volatile("cpsid i" : : : "memory");
    while (kt_ring_is_empty(ring)) {
        __asm__ volatile("wfi\n cpsie i\n isb\n cpsid i" : : : "memory");
    }
    __asm__ volatile("cpsie i" : : : "memory");
}
