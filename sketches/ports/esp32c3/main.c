/* ESP32-C3 without ESP-IDF: UART0 and clock as the ROM leaves them, watchdogs off, the system timer as the clock.
 *
 * Registers: ESP32-C3 technical reference manual, chapters UART, System Timer, Low-power Management, Watchdog Timers.
 * Nothing of the ROM is called, and no interrupt is used: UART0 has 128 bytes of its own in each direction. */
#include "kt_app.h"
#include "kt_boot.h"
#include "kt_port.h"
#include "kt_riscv.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define UART0_FIFO REGISTER(0x60000000U)
#define UART0_EVENTS REGISTER(0x60000004U)
#define UART0_CLEAR REGISTER(0x60000010U)
#define UART0_OVERRUN (1U << 4)
#define UART0_STATUS REGISTER(0x6000001CU)
#define UART0_RECEIVED(status) ((status) & 0x3FFU)
#define UART0_TO_SEND(status) ((status) >> 16 & 0x3FFU)
#define UART0_FIFO_BYTES 128U

#define SYSTIMER_UNIT0_OP REGISTER(0x60023004U)
#define SYSTIMER_UNIT0_HIGH REGISTER(0x60023040U)
#define SYSTIMER_UNIT0_LOW REGISTER(0x60023044U)
#define SYSTIMER_UPDATE (1U << 30)
#define SYSTIMER_VALID (1U << 29)
enum { SYSTIMER_TICKS_PER_S = 16000000 };

#define RTC_OPTIONS0 REGISTER(0x60008000U)
#define RTC_SYSTEM_RESET (1U << 31)
#define RTC_RESET_STATE REGISTER(0x60008038U)
#define RTC_RESET_CAUSE(state) ((state) & 0x3FU)
#define RTC_WDT_CONFIG0 REGISTER(0x60008090U)
#define RTC_WDT_PROTECT REGISTER(0x600080A8U)
#define RTC_SUPER_WDT_CONFIG REGISTER(0x600080ACU)
#define RTC_SUPER_WDT_PROTECT REGISTER(0x600080B0U)
#define RTC_SUPER_WDT_FEEDS_ITSELF (1U << 31)
#define TIMER0_WDT_CONFIG0 REGISTER(0x6001F048U)
#define TIMER0_WDT_PROTECT REGISTER(0x6001F064U)
#define WDT_KEY 0x50D83AA1U
#define SUPER_WDT_KEY 0x8F1D312AU

kt_board kt_the_board;

static kt_ring ring;
static uint32_t overruns;

/* The ROM starts them for the case that an image hangs; nobody feeds them here. */
static void stop_watchdogs(void)
{
    RTC_WDT_PROTECT = WDT_KEY;
    RTC_WDT_CONFIG0 = 0;
    RTC_WDT_PROTECT = 0;
    RTC_SUPER_WDT_PROTECT = SUPER_WDT_KEY;
    RTC_SUPER_WDT_CONFIG |= RTC_SUPER_WDT_FEEDS_ITSELF;
    RTC_SUPER_WDT_PROTECT = 0;
    TIMER0_WDT_PROTECT = WDT_KEY;
    TIMER0_WDT_CONFIG0 = 0;
    TIMER0_WDT_PROTECT = 0;
}

static void take_received(void)
{
    if ((UART0_EVENTS & UART0_OVERRUN) != 0) {
        UART0_CLEAR = UART0_OVERRUN;
        ++overruns;
    }
    while (UART0_RECEIVED(UART0_STATUS) > 0 && !kt_ring_is_full(&ring)) {
        kt_ring_put(&ring, (uint8_t)UART0_FIFO);
    }
}

void kt_on_uart(void)
{
    /* interrupts are off */
}

size_t kt_port_read(uint8_t *bytes, size_t capacity)
{
    while (kt_ring_is_empty(&ring)) {
        take_received();
    }
    return kt_ring_take(&ring, bytes, capacity);
}

void kt_port_write(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        while (UART0_TO_SEND(UART0_STATUS) >= UART0_FIFO_BYTES) {
            take_received(); /* the host may send ahead meanwhile */
        }
        UART0_FIFO = bytes[i];
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
    return overruns;
}

uint64_t kt_port_ticks(void)
{
    SYSTIMER_UNIT0_OP = SYSTIMER_UPDATE;
    while ((SYSTIMER_UNIT0_OP & SYSTIMER_VALID) == 0) {
    }
    const uint32_t high = SYSTIMER_UNIT0_HIGH;
    return (uint64_t)high << 32 | SYSTIMER_UNIT0_LOW;
}

void kt_port_busy(int busy)
{
    (void)busy; /* nothing disturbs the measurement */
}

void kt_port_reset(void)
{
    while (UART0_TO_SEND(UART0_STATUS) > 0) {
    }
    RTC_OPTIONS0 |= RTC_SYSTEM_RESET;
    for (;;) {
    }
}

/* TRM, table "Reset Source". */
static const char *reset_cause(void)
{
    switch (RTC_RESET_CAUSE(RTC_RESET_STATE)) {
    case 0x01:
        return "power-on or reset button";
    case 0x03:
        return "software";
    case 0x0F:
        return "brown-out";
    case 0x07:
    case 0x09:
    case 0x10:
    case 0x12:
        return "watchdog";
    default:
        return "other reset";
    }
}

int main(void)
{
    static kt_board_start start = {.clock = {.ticks_per_s = SYSTIMER_TICKS_PER_S}};
    stop_watchdogs();
    const uint32_t unused = (uint32_t)(kt_stack_end - kt_stack_guard_end) / 2;
    kt_boot(&start, reset_cause(), kt_boot_entropy(kt_stack_guard_end, unused));
    start.constants.data = kt_model_begin;
    start.constants.bytes = (uint32_t)(kt_model_end - kt_model_begin);
    start.constants_crc32 = kt_app_constants_crc32;
    kt_board_run(&kt_the_board, kt_app(), &start);
    return 0;
}
