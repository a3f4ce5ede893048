/* Arm's MPS2 board with a Cortex-M7 (AN500), as QEMU emulates it: memory for the larger models (DAI 0500). */
#include "kt_app.h"
#include "kt_boot.h"
#include "kt_calibrate.h"
#include "kt_cortex_m.h"
#include "kt_port.h"

/* CMSDK APB UART (DDI 0479, 4.3) */
#define UART_DATA KT_REGISTER(0x40004000U)
#define UART_STATE KT_REGISTER(0x40004004U)
#define UART_CTRL KT_REGISTER(0x40004008U)
#define UART_INTCLEAR KT_REGISTER(0x4000400CU)
#define UART_BAUDDIV KT_REGISTER(0x40004010U)
#define UART_IRQ 0U
#define TX_FULL (1U << 0)
#define RX_FULL (1U << 1)
#define RX_INTERRUPT (1U << 1)
#define RX_INTERRUPT_ENABLE (1U << 3)

/* CMSDK dual timer, its first half (DDI 0479, 4.5) */
#define TIMER_LOAD KT_REGISTER(0x40002000U)
#define TIMER_VALUE KT_REGISTER(0x40002004U)
#define TIMER_CONTROL KT_REGISTER(0x40002008U)

enum { CORE_HZ = 25000000 };

kt_board kt_the_board;

static kt_ring ring;

static void on_uart(void)
{
    UART_INTCLEAR = RX_INTERRUPT;
    while ((UART_STATE & RX_FULL) != 0) {
        if (kt_ring_is_full(&ring)) {
            UART_CTRL &= ~RX_INTERRUPT_ENABLE;
            NVIC_ICER(UART_IRQ) = NVIC_BIT(UART_IRQ); /* kt_port_read asks for more */
            return;
        }
        kt_ring_put(&ring, (uint8_t)UART_DATA);
    }
}

size_t kt_port_read(uint8_t *bytes, size_t capacity)
{
    kt_wait_for(&ring);
    const size_t count = kt_ring_take(&ring, bytes, capacity);
    if ((UART_CTRL & RX_INTERRUPT_ENABLE) == 0) {
        UART_CTRL |= RX_INTERRUPT_ENABLE;
        NVIC_ISER(UART_IRQ) = NVIC_BIT(UART_IRQ);
        NVIC_ISPR(UART_IRQ) = NVIC_BIT(UART_IRQ); /* a byte may be waiting since before it was enabled */
    }
    return count;
}

void kt_port_write(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        while ((UART_STATE & TX_FULL) != 0) {
        }
        UART_DATA = bytes[i];
    }
}

uint64_t kt_port_ticks(void)
{
    static uint32_t last;
    static uint32_t wraps;
    const uint32_t now = ~TIMER_VALUE; /* it counts down */
    if (now < last) {
        ++wraps;
    }
    last = now;
    return (uint64_t)wraps << 32 | now;
}

void kt_port_busy(int busy)
{
    if (busy) {
        NVIC_ICER(UART_IRQ) = NVIC_BIT(UART_IRQ); /* what arrives meanwhile must not count as the model's work */
    } else {
        NVIC_ISER(UART_IRQ) = NVIC_BIT(UART_IRQ);
    }
}

int kt_port_has_received(void)
{
    return 1; /* not called: the rate is fixed */
}

void kt_port_set_baud(uint32_t baud)
{
    (void)baud;
}

uint32_t kt_port_overruns(void)
{
    return 0; /* the emulated line waits */
}

int main(void)
{
    static kt_board_start start = {.clock = {.ticks_per_s = CORE_HZ}};
    TIMER_LOAD = UINT32_MAX;
    TIMER_CONTROL = 1U << 7 | 1U << 1; /* on, free running, 32 bits */
    kt_calibrate(&start.clock);
    const uint32_t unused = (uint32_t)(kt_stack_end - kt_stack_guard_end) / 2;
    kt_boot(&start, "power-on or reset", kt_boot_entropy(kt_stack_guard_end, unused));
    start.constants.data = kt_model_begin;
    start.constants.bytes = (uint32_t)(kt_model_end - kt_model_begin);
    start.constants_crc32 = kt_app_constants_crc32;
    UART_BAUDDIV = CORE_HZ / 115200;
    UART_CTRL = 1U | 1U << 1 | RX_INTERRUPT_ENABLE; /* transmitter, receiver */
    NVIC_ISER(UART_IRQ) = NVIC_BIT(UART_IRQ);
    kt_board_run(&kt_the_board, kt_app(), &start);
    return 0;
}

/* DAI 0500, table 4-1: 46 interrupts, the first is ours. */
__attribute__((section(".vectors"), used)) const kt_vector kt_vectors[16 + 46] = {
    KT_CORE_VECTORS,
    [16 + UART_IRQ] = on_uart,
    [16 + UART_IRQ + 1 ... 16 + 45] = kt_on_interrupt,
};
