/* Registers of the STM32F4 that the port uses (ST RM0090). */
#ifndef KT_STM32F4_H
#define KT_STM32F4_H

#include "kt_cortex_m.h"

#define RCC_CR KT_REGISTER(0x40023800U)
#define RCC_PLLCFGR KT_REGISTER(0x40023804U)
#define RCC_CFGR KT_REGISTER(0x40023808U)
#define RCC_AHB1ENR KT_REGISTER(0x40023830U)
#define RCC_APB1ENR KT_REGISTER(0x40023840U)
#define RCC_APB2ENR KT_REGISTER(0x40023844U)
#define RCC_CSR KT_REGISTER(0x40023874U)
#define FLASH_ACR KT_REGISTER(0x40023C00U)
#define PWR_CR KT_REGISTER(0x40007000U)

#define GPIOA_MODER KT_REGISTER(0x40020000U)
#define GPIOA_AFRL KT_REGISTER(0x40020020U)
#define GPIOA_AFRH KT_REGISTER(0x40020024U)

#define TIM2_CR1 KT_REGISTER(0x40000000U)
#define TIM2_EGR KT_REGISTER(0x40000014U)
#define TIM2_CNT KT_REGISTER(0x40000024U)
#define TIM2_PSC KT_REGISTER(0x40000028U)
#define TIM2_ARR KT_REGISTER(0x4000002CU)

#define USART_SR(base) KT_REGISTER((base) + 0x00U)
#define USART_DR(base) KT_REGISTER((base) + 0x04U)
#define USART_BRR(base) KT_REGISTER((base) + 0x08U)
#define USART_CR1(base) KT_REGISTER((base) + 0x0CU)

/* What kt_clock_start has set up, and whether this is QEMU's chip. */
typedef struct {
    uint32_t apb1_timer_hz;
    uint32_t apb1_hz;
    uint32_t apb2_hz;
    int emulated;
} kt_clocks;

/* To KT_CORE_MHZ from the internal oscillator; stays at 16 MHz if the PLL does not lock in time. */
kt_clocks kt_clock_start(void);

#endif
