/* What all Cortex-M ports share: core registers, start-up, fault handlers, memory guard (ARM DDI 0403, ARMv7-M).
 *
 * The application runs on a stack of its own (PSP) at the bottom of RAM with a guard below it; handlers run on
 * another (MSP). So a handler has a good stack even when the application's has overflowed. */
#ifndef KT_CORTEX_M_H
#define KT_CORTEX_M_H

#include <stdint.h>

#include "kt_board.h"
#include "kt_ring.h"

#define KT_REGISTER(address) (*(volatile uint32_t *)(address))

#define SCB_ICSR KT_REGISTER(0xE000ED04U)
#define SCB_VTOR KT_REGISTER(0xE000ED08U)
#define SCB_AIRCR KT_REGISTER(0xE000ED0CU)
#define SCB_CCR KT_REGISTER(0xE000ED14U)
#define SCB_SHCSR KT_REGISTER(0xE000ED24U)
#define SCB_CFSR KT_REGISTER(0xE000ED28U)
#define SCB_HFSR KT_REGISTER(0xE000ED2CU)
#define SCB_MMFAR KT_REGISTER(0xE000ED34U)
#define SCB_BFAR KT_REGISTER(0xE000ED38U)
#define SCB_CPACR KT_REGISTER(0xE000ED88U)
#define MPU_TYPE KT_REGISTER(0xE000ED90U)
#define MPU_CTRL KT_REGISTER(0xE000ED94U)
#define MPU_RNR KT_REGISTER(0xE000ED98U)
#define MPU_RBAR KT_REGISTER(0xE000ED9CU)
#define MPU_RASR KT_REGISTER(0xE000EDA0U)
#define NVIC_ISER(irq) KT_REGISTER(0xE000E100U + 4U * ((irq) / 32U))
#define NVIC_ICER(irq) KT_REGISTER(0xE000E180U + 4U * ((irq) / 32U))
#define NVIC_ISPR(irq) KT_REGISTER(0xE000E200U + 4U * ((irq) / 32U))
#define NVIC_BIT(irq) (1U << ((irq) % 32U))

/* From the linker script. */
extern uint32_t kt_stack_guard[], kt_stack_guard_end[], kt_stack_end[], kt_handler_stack_end[];
extern uint32_t kt_data_begin[], kt_data_end[], kt_data_load[], kt_bss_begin[], kt_bss_end[], kt_ram_end[];
extern const uint8_t kt_model_begin[], kt_model_end[];

/* The application's board: fault handlers speak through it. Each port defines it. */
extern kt_board kt_the_board;

typedef void (*kt_vector)(void);

/* The first entries of every vector table; chip interrupts follow. */
#define KT_CORE_VECTORS                                                                                              \
    (kt_vector)(uintptr_t)kt_handler_stack_end, kt_on_reset, kt_on_interrupt, kt_on_hard_fault, kt_on_memory_fault,  \
        kt_on_bus_fault, kt_on_usage_fault, kt_on_interrupt, kt_on_interrupt, kt_on_interrupt, kt_on_interrupt,      \
        kt_on_interrupt, kt_on_interrupt, kt_on_interrupt, kt_on_interrupt, kt_on_interrupt

void kt_on_reset(void);
void kt_on_hard_fault(void);
void kt_on_memory_fault(void);
void kt_on_bus_fault(void);
void kt_on_usage_fault(void);
void kt_on_interrupt(void); /* one that nobody expects */

/* Separate fault handlers, division by zero as a fault, the guard below the stack. */
void kt_enable_faults(void);

/* Reports a fault over the link, keeps it for the next start, resets. */
__attribute__((noreturn)) void kt_fault_end(const kt_fault *fault, const char *text);

/* Sleeps until an interrupt has put something into the ring. */
void kt_wait_for(const kt_ring *ring);

/* Each port's, after RAM is set up; returns never. */
int main(void);

#endif
