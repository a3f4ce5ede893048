/* What the RISC-V ports share: start-up and faults in machine mode (RISC-V privileged specification 1.12). */
#ifndef KT_RISCV_H
#define KT_RISCV_H

#include "kt_board.h"
#include "kt_ring.h"

/* From the linker script. */
extern uint32_t kt_stack_guard[], kt_stack_guard_end[], kt_stack_end[], kt_handler_stack_end[];
extern uint32_t kt_data_begin[], kt_data_end[], kt_data_load[], kt_bss_begin[], kt_bss_end[];
extern const uint8_t kt_model_begin[], kt_model_end[];

/* The application's board: the trap handler speaks through it. */
extern kt_board kt_the_board;

#define KT_READ_CSR(name) (__extension__({ uint32_t value_; __asm__ volatile("csrr %0, " name : "=r"(value_)); value_; }))
#define KT_WRITE_CSR(name, value) __asm__ volatile("csrw " name ", %0" : : "r"(value))

/* The guard below the stack. */
void kt_enable_guard(void);

/* What the trap handler calls for an interrupt of the UART. */
void kt_on_uart(void);

/* Reports a fault over the link, keeps it for the next start, resets. */
__attribute__((noreturn)) void kt_fault_end(const kt_fault *fault, const char *text);

int main(void);

#endif
