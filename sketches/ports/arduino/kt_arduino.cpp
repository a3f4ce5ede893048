/* The link over Arduino's Serial. */
#include "kt_arduino.h"

#include <Arduino.h>

#include "kt_crc32.h"
#include "kt_port.h"
#include "kt_ring.h"

static const uint32_t ticks_per_s = 1000000; /* of micros() */

static kt_board *served; /* for the one function that the port is called back with no context */

size_t kt_port_read(uint8_t *bytes, size_t capacity)
{
    int waiting;
    while ((waiting = Serial.available()) <= 0) {
        yield();
    }
    size_t count = 0;
    while (count < capacity && count < static_cast<size_t>(waiting)) {
        bytes[count++] = static_cast<uint8_t>(Serial.read());
    }
    return count;
}

void kt_port_write(const uint8_t *bytes, size_t count)
{
    while (count > 0) {
        const size_t taken = Serial.write(bytes, count);
        bytes += taken;
        count -= taken;
        if (count > 0) {
            yield();
        }
    }
}

uint64_t kt_port_ticks(void)
{
    static uint64_t ticks;
    static uint32_t before;
    const uint32_t now = static_cast<uint32_t>(micros()); /* wraps after 71 minutes */
    ticks += static_cast<uint32_t>(now - before);
    before = now;
    return ticks;
}

void kt_port_busy(int busy)
{
    (void)busy;
}

int kt_port_has_received(void)
{
    return Serial.available() > 0;
}

void kt_port_set_baud(uint32_t baud)
{
    Serial.flush();
    Serial.end();
    Serial.begin(baud);
}

uint32_t kt_port_overruns(void)
{
    return 0; /* no core tells */
}

void kt_port_reset(void)
{
    Serial.flush();
#if defined(ARDUINO_ARCH_ESP32)
    ESP.restart();
#elif defined(ARDUINO_ARCH_STM32)
    NVIC_SystemReset();
#endif
    for (;;) { /* a core without a reset: the host sees silence, and a person presses the button */
    }
}

void kt_port_arena_overflow(const uint32_t *where)
{
    kt_fault fault = kt_fault();
    fault.cause = KT_FAULT_ARENA_OVERFLOW;
    fault.address = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(where));
    if (served != nullptr) {
        kt_board_fault(served, &fault, "");
    }
    kt_port_reset();
}

void kt_arduino_begin(void)
{
#if defined(ARDUINO_ARCH_ESP32)
    Serial.setRxBufferSize(KT_RING_BYTES); /* STM32's core takes it from build_opt.h */
#endif
    Serial.begin(KT_BAUD);
}

/* Different after every start: when the host speaks first is nothing that a program repeats to the microsecond. */
static uint16_t boot_nonce(void)
{
    uint32_t noise = static_cast<uint32_t>(micros());
#if defined(ARDUINO_ARCH_ESP32)
    noise ^= esp_random();
#endif
    return static_cast<uint16_t>(1U + kt_crc32(0, &noise, sizeof noise) % 0xFFFFU);
}

void kt_arduino_run(kt_board *board, const kt_board_app *app)
{
    kt_arduino_begin();
    while (Serial.available() <= 0) {
        yield();
    }
    kt_board_start start = kt_board_start();
    start.reset_cause = "";
    start.boot_count = 1;
    start.session = boot_nonce();
    start.clock.ticks_per_s = ticks_per_s;
    start.baud = KT_BAUD;
    start.most_baud = KT_MOST_BAUD;
    served = board;
    kt_board_run(board, app, &start);
}
