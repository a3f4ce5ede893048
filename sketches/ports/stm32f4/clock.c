/* The clock tree: from the internal 16 MHz oscillator, so that no board's crystal matters (RM0090 and RM0383, 7.3). */
#include "kt_stm32f4.h"

/* The core's clock; the builder says what the board's chip may have: 84 MHz (F401), 100 MHz (F411), 168 MHz (F405). */
#ifndef KT_CORE_MHZ
#define KT_CORE_MHZ 168
#endif
#if KT_CORE_MHZ < 48 || KT_CORE_MHZ > 168
#error "KT_CORE_MHZ is 48 to 168: above, the regulator needs over-drive"
#endif

enum {
    MHZ = 1000000,
    HSI_HZ = 16 * MHZ,
    WAIT_READS = 100000,
    /* 16 MHz / 16 * N / P; N * 1 MHz must be 192 to 432 MHz. */
    PLL_P = KT_CORE_MHZ >= 96 ? 2 : 4,
    PLL_N = KT_CORE_MHZ * PLL_P,
    APB1_DIVIDER = KT_CORE_MHZ > 100 ? 4 : 2, /* at most 42 to 50 MHz */
    APB2_DIVIDER = KT_CORE_MHZ > 100 ? 2 : 1, /* at most 84 to 100 MHz */
    WAIT_STATES = (KT_CORE_MHZ - 1) / 30,     /* one per 30 MHz at 2.7 to 3.6 V */
};

#define HSION (1U << 0)
#define PLLON (1U << 24)
#define PLLRDY (1U << 25)
#define SW_PLL 2U
#define SWS_PLL (2U << 2)
#define SWS (3U << 2)
#define PPRE(divider) ((divider) == 4 ? 5U : (divider) == 2 ? 4U : 0U)
#define VOS (3U << 14)

/* Under QEMU these registers read 0 for ever: every wait has an end. */
static int wait_for(volatile uint32_t *reg, uint32_t mask, uint32_t value)
{
    for (int32_t i = 0; i < WAIT_READS; ++i) {
        if ((*reg & mask) == value) {
            return 1;
        }
    }
    return 0;
}

kt_clocks kt_clock_start(void)
{
    const kt_clocks slow = {HSI_HZ, HSI_HZ, HSI_HZ, 0};
    const kt_clocks fast = {
        .apb1_timer_hz = KT_CORE_MHZ * MHZ / APB1_DIVIDER * 2, /* timers run at twice a divided bus */
        .apb1_hz = KT_CORE_MHZ * MHZ / APB1_DIVIDER,
        .apb2_hz = KT_CORE_MHZ * MHZ / APB2_DIVIDER,
    };
    if ((RCC_CR & HSION) == 0) { /* a real chip starts on it */
        kt_clocks emulated = fast;
        emulated.apb1_timer_hz = 1000 * MHZ; /* QEMU's timers count its nanoseconds */
        emulated.emulated = 1;
        return emulated;
    }
    RCC_APB1ENR |= 1U << 28; /* PWR */
    if (KT_CORE_MHZ > 84 && (PWR_CR & VOS) == 2U << 14) {
        PWR_CR |= VOS; /* F411: scale 1; the others start with what their highest clock needs */
    }
    RCC_PLLCFGR = 16U | (uint32_t)PLL_N << 6 | (PLL_P / 2U - 1U) << 16 | 7U << 24;
    RCC_CR |= PLLON;
    if (!wait_for(&RCC_CR, PLLRDY, PLLRDY)) {
        return slow;
    }
    FLASH_ACR = (uint32_t)WAIT_STATES | 7U << 8; /* prefetch and both caches */
    RCC_CFGR = PPRE(APB1_DIVIDER) << 10 | PPRE(APB2_DIVIDER) << 13 | SW_PLL;
    return wait_for(&RCC_CFGR, SWS, SWS_PLL) ? fast : slow;
}
