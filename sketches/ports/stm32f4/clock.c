/* The clock tree: 168 MHz from the internal 16 MHz oscillator, so that no board's crystal matters (RM0090, 7.3). */
#include "kt_stm32f4.h"

enum { HSI_HZ = 16000000, PLL_HZ = 168000000, WAIT_READS = 100000 };

#define HSION (1U << 0)
#define PLLON (1U << 24)
#define PLLRDY (1U << 25)
#define SWS_PLL (2U << 2)

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
    const kt_clocks slow = {HSI_HZ, HSI_HZ, HSI_HZ, HSI_HZ, 0};
    const kt_clocks fast = {PLL_HZ, PLL_HZ / 2, PLL_HZ / 4, PLL_HZ / 2, 0};
    if ((RCC_CR & HSION) == 0) { /* a real chip starts on it */
        const kt_clocks emulated = {PLL_HZ, 1000000000, PLL_HZ / 4, PLL_HZ / 2, 1};
        return emulated;
    }
    RCC_APB1ENR |= 1U << 28; /* PWR: regulator scale 1, as 168 MHz needs (DS8626, table 14) */
    PWR_CR |= 1U << 14;
    RCC_PLLCFGR = 16U | 336U << 6 | 0U << 16 | 7U << 24; /* 16 MHz / 16 * 336 / 2 */
    RCC_CR |= PLLON;
    if (!wait_for(&RCC_CR, PLLRDY, PLLRDY)) {
        return slow;
    }
    FLASH_ACR = 5U | 7U << 8;              /* 5 wait states, prefetch and both caches (RM0090, table 10) */
    RCC_CFGR = 5U << 10 | 4U << 13 | 2U;   /* APB1 / 4, APB2 / 2, system clock from the PLL */
    return wait_for(&RCC_CFGR, 3U << 2, SWS_PLL) ? fast : slow;
}
