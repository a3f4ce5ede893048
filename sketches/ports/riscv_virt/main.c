/* QEMU's RISC-V virt machine: a 16550 received by interrupt into a ring, the count of instructions as the clock. */
#include "kt_app.h"
#include "kt_boot.h"
#include "kt_calibrate.h"
#include "kt_port.h"
#include "kt_riscv.h"

#define UART(offset) (*(volatile uint8_t *)(0x10000000U + (offset)))
#define UART_DATA UART(0)
#define UART_IER UART(1)
#define UART_FCR UART(2)
#define UART_LSR UART(5)
#define UART_IRQ 10U
#define IER_RECEIVED 1U
#define LSR_READY (1U << 0)
#define LSR_TX_EMPTY (1U << 5)

#define PLIC_PRIORITY(irq) (*(volatile uint32_t *)(0x0C000000U + 4U * (irq)))
#define PLIC_ENABLE (*(volatile uint32_t *)0x0C002000U)
#define PLIC_THRESHOLD (*(volatile uint32_t *)0x0C200000U)
#define PLIC_CLAIM (*(volatile uint32_t *)0x0C200004U)

#define MIE_EXTERNAL (1U << 11)

#define TEST_FINISHER (*(volatile uint32_t *)0x100000U) /* QEMU's sifive_test */
#define FINISHER_RESET 0x7777U

kt_board kt_the_board;

static kt_ring ring;

void kt_on_uart(void)
{
    const uint32_t irq = PLIC_CLAIM;
    while ((UART_LSR & LSR_READY) != 0) {
        if (kt_ring_is_full(&ring)) {
            UART_IER = 0; /* kt_port_read asks for more */
            break;
        }
        kt_ring_put(&ring, UART_DATA);
    }
    PLIC_CLAIM = irq;
}

size_t kt_port_read(uint8_t *bytes, size_t capacity)
{
    __asm__ volatile("csrci mstatus, 8" : : : "memory");
    while (kt_ring_is_empty(&ring)) {
        __asm__ volatile("wfi\n csrsi mstatus, 8\n csrci mstatus, 8" : : : "memory"); /* wakes although masked */
    }
    __asm__ volatile("csrsi mstatus, 8" : : : "memory");
    const size_t count = kt_ring_take(&ring, bytes, capacity);
    UART_IER = IER_RECEIVED;
    return count;
}

void kt_port_write(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        while ((UART_LSR & LSR_TX_EMPTY) == 0) {
        }
        UART_DATA = bytes[i];
    }
}

uint64_t kt_port_ticks(void)
{
    uint32_t high;
    uint32_t low;
    do {
        high = KT_READ_CSR("minstreth");
        low = KT_READ_CSR("minstret");
    } while (high != KT_READ_CSR("minstreth"));
    return (uint64_t)high << 32 | low;
}

void kt_port_busy(int busy)
{
    if (busy) {
        __asm__ volatile("csrc mie, %0" : : "r"(MIE_EXTERNAL)); /* what arrives must not count as the model's work */
    } else {
        __asm__ volatile("csrs mie, %0" : : "r"(MIE_EXTERNAL));
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

void kt_port_reset(void)
{
    TEST_FINISHER = FINISHER_RESET;
    for (;;) {
    }
}

int main(void)
{
    static kt_board_start start = {.clock = {.ticks_per_s = 1000000000}};
    kt_calibrate(&start.clock);
    const uint32_t unused = (uint32_t)(kt_stack_end - kt_stack_guard_end) / 2;
    kt_boot(&start, "power-on or reset", kt_boot_entropy(kt_stack_guard_end, unused));
    start.constants.data = kt_model_begin;
    start.constants.bytes = (uint32_t)(kt_model_end - kt_model_begin);
    start.constants_crc32 = kt_app_constants_crc32;
    PLIC_PRIORITY(UART_IRQ) = 1;
    PLIC_ENABLE = 1U << UART_IRQ;
    PLIC_THRESHOLD = 0;
    UART_FCR = 1U | 0xC0U; /* FIFO of 16 bytes, an interrupt at 14 or when they stop coming */
    UART_IER = IER_RECEIVED;
    kt_port_busy(0);
    __asm__ volatile("csrsi mstatus, 8");
    kt_board_run(&kt_the_board, kt_app(), &start);
    return 0;
}
