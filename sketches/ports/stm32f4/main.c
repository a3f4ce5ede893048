/* STM32F4: a UART received by interrupt into a ring, a 32-bit timer, the application.
 *
 * What QEMU's chip lacks is not relied on: clock registers (they read 0), DMA, the unique id (reading it faults), a
 * cycle counter. Its UART holds one byte until it is read, so the ring may make it wait without losing anything. */
#include "kt_app.h"
#include "kt_boot.h"
#include "kt_calibrate.h"
#include "kt_port.h"
#include "kt_stm32f4.h"

#ifndef KT_BAUD
#define KT_BAUD 115200
#endif

/* Which UART reaches the computer: 1 on PA9 and PA10, or 2 on PA2 and PA3 as on Nucleo boards (AF7, DS8626 table 9). */
#ifndef KT_STM32_USART
#define KT_STM32_USART 1
#endif
#if KT_STM32_USART == 1
#define USART 0x40011000U
#define USART_IRQ 37U
#elif KT_STM32_USART == 2
#define USART 0x40004400U
#define USART_IRQ 38U
#else
#error "KT_STM32_USART is 1 or 2"
#endif

#define ORE (1U << 3)
#define RXNE (1U << 5)
#define TC (1U << 6)
#define TXE (1U << 7)
#define RXNEIE (1U << 5)

enum { TIMER_DIVIDER = 8, SAMPLES_PER_BIT = 16, MOST_BAUD = 2000000 };

kt_board kt_the_board;

static kt_ring ring;
static volatile int is_full; /* reception stopped until the ring has room */
static int is_emulated;
static uint32_t usart_hz;
static volatile uint32_t overruns;

static void on_usart(void)
{
    uint32_t status;
    while (((status = USART_SR(USART)) & RXNE) != 0) {
        overruns += (status & ORE) != 0; /* reading DR clears it */
        if (kt_ring_is_full(&ring)) {
            is_full = 1; /* kt_port_read asks for more */
            USART_CR1(USART) &= ~RXNEIE;
            /* QEMU's UART asks on although it may not, and nothing else would run. */
            NVIC_ICER(USART_IRQ) = NVIC_BIT(USART_IRQ);
            return;
        }
        kt_ring_put(&ring, (uint8_t)USART_DR(USART));
    }
}

size_t kt_port_read(uint8_t *bytes, size_t capacity)
{
    kt_wait_for(&ring);
    const size_t count = kt_ring_take(&ring, bytes, capacity);
    if (is_full) {
        is_full = 0;
        USART_CR1(USART) |= RXNEIE;
        NVIC_ISER(USART_IRQ) = NVIC_BIT(USART_IRQ);
    }
    return count;
}

void kt_port_write(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        while ((USART_SR(USART) & TXE) == 0) {
        }
        USART_DR(USART) = bytes[i];
    }
}

uint64_t kt_port_ticks(void)
{
    static uint32_t last;
    static uint32_t wraps;
    const uint32_t now = TIM2_CNT;
    if (now < last) {
        ++wraps;
    }
    last = now;
    return (uint64_t)wraps << 32 | now;
}

void kt_port_busy(int busy)
{
    if (!is_emulated) {
        return; /* a real line does not wait */
    }
    if (busy) {
        NVIC_ICER(USART_IRQ) = NVIC_BIT(USART_IRQ); /* what arrives meanwhile must not count as the model's work */
    } else {
        NVIC_ISER(USART_IRQ) = NVIC_BIT(USART_IRQ);
    }
}

int kt_port_has_received(void)
{
    return !kt_ring_is_empty(&ring);
}

void kt_port_set_baud(uint32_t baud)
{
    while ((USART_SR(USART) & TC) == 0) {
    }
    USART_BRR(USART) = (usart_hz + baud / 2) / baud;
}

uint32_t kt_port_overruns(void)
{
    return overruns;
}

static void start_usart(const kt_clocks *clocks)
{
    RCC_AHB1ENR |= 1U; /* GPIOA */
    if (KT_STM32_USART == 1) {
        RCC_APB2ENR |= 1U << 4;
        GPIOA_AFRH = (GPIOA_AFRH & ~0xFF0U) | 0x770U;
        GPIOA_MODER = (GPIOA_MODER & ~(0xFU << 18)) | 0xAU << 18;
    } else {
        RCC_APB1ENR |= 1U << 17;
        GPIOA_AFRL = (GPIOA_AFRL & ~0xFF00U) | 0x7700U;
        GPIOA_MODER = (GPIOA_MODER & ~(0xFU << 4)) | 0xAU << 4;
    }
    usart_hz = KT_STM32_USART == 1 ? clocks->apb2_hz : clocks->apb1_hz;
    USART_BRR(USART) = (usart_hz + KT_BAUD / 2) / KT_BAUD;
    USART_CR1(USART) = 1U << 13 | 1U << 3 | 1U << 2 | RXNEIE; /* on, transmitter, receiver */
    NVIC_ISER(USART_IRQ) = NVIC_BIT(USART_IRQ);
}

static void start_timer(void)
{
    RCC_APB1ENR |= 1U;
    TIM2_PSC = TIMER_DIVIDER - 1U;
    TIM2_ARR = UINT32_MAX;
    TIM2_EGR = 1;
    TIM2_CR1 = 1;
}

/* RM0090, 7.3.21; several may be set, the most telling one first. */
static const char *hardware_cause(void)
{
    const uint32_t status = RCC_CSR;
    RCC_CSR = status | 1U << 24; /* the next start sees only its own */
    return status & 3U << 29     ? "watchdog"
           : status & 1U << 31   ? "low power"
           : status & 1U << 28   ? "software"
           : status & 1U << 27   ? "power-on"
           : status & 1U << 25   ? "brown-out"
           : status & 1U << 26   ? "reset pin"
                                 : "power-on or reset";
}

int main(void)
{
    static kt_board_start start;
    const kt_clocks clocks = kt_clock_start();
    is_emulated = clocks.emulated;
    start_timer();
    start.clock.ticks_per_s = clocks.apb1_timer_hz / TIMER_DIVIDER;
    if (clocks.emulated) {
        kt_calibrate(&start.clock);
    }
    const uint32_t unused = (uint32_t)(kt_stack_end - kt_stack_guard_end) / 2;
    kt_boot(&start, hardware_cause(), kt_boot_entropy(kt_stack_guard_end, unused) ^ (uint32_t)kt_port_ticks());
    start.constants.data = kt_model_begin;
    start.constants.bytes = (uint32_t)(kt_model_end - kt_model_begin);
    start.constants_crc32 = kt_app_constants_crc32;
    start_usart(&clocks);
    start.baud = KT_BAUD;
    if (!clocks.emulated) { /* there every rate is as fast */
        start.most_baud = usart_hz / SAMPLES_PER_BIT < MOST_BAUD ? usart_hz / SAMPLES_PER_BIT : MOST_BAUD;
    }
    kt_board_run(&kt_the_board, kt_app(), &start);
    return 0;
}

/* RM0090, table 62: 82 interrupts, of which one is ours. */
__attribute__((section(".vectors"), used)) const kt_vector kt_vectors[16 + 82] = {
    KT_CORE_VECTORS,
    [16 ... 16 + USART_IRQ - 1] = kt_on_interrupt,
    [16 + USART_IRQ] = on_usart,
    [16 + USART_IRQ + 1 ... 16 + 81] = kt_on_interrupt,
};
