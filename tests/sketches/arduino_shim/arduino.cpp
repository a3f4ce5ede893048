/* Arduino on a computer: main() is the core's. */
#include "Arduino.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

void setup(void);
void loop(void);

HardwareSerial Serial;

static const size_t kBuffer = 4096;
static uint8_t received[kBuffer];
static size_t received_begin, received_end;

unsigned long micros(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<unsigned long>(now.tv_sec) * 1000000UL + static_cast<unsigned long>(now.tv_nsec) / 1000UL;
}

void delay(unsigned long milliseconds)
{
    usleep(static_cast<useconds_t>(milliseconds * 1000));
}

/* Waits for the line a little, so that a sketch that polls does not take the whole processor. */
void yield(void)
{
    struct pollfd line = {STDIN_FILENO, POLLIN, 0};
    poll(&line, 1, 1);
}

void HardwareSerial::begin(unsigned long baud)
{
    (void)baud;
    struct termios raw;
    if (tcgetattr(STDIN_FILENO, &raw) == 0) {
        cfmakeraw(&raw);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
}

void HardwareSerial::end(void)
{
}

int HardwareSerial::available(void)
{
    if (received_begin == received_end) {
        struct pollfd line = {STDIN_FILENO, POLLIN, 0};
        if (poll(&line, 1, 0) <= 0) {
            return 0;
        }
        const ssize_t count = ::read(STDIN_FILENO, received, kBuffer);
        if (count <= 0) {
            exit(EXIT_SUCCESS);
        }
        received_begin = 0;
        received_end = static_cast<size_t>(count);
    }
    return static_cast<int>(received_end - received_begin);
}

int HardwareSerial::read(void)
{
    return available() > 0 ? received[received_begin++] : -1;
}

size_t HardwareSerial::write(const uint8_t *bytes, size_t count)
{
    const ssize_t written = ::write(STDOUT_FILENO, bytes, count);
    if (written < 0) {
        exit(EXIT_SUCCESS);
    }
    return static_cast<size_t>(written);
}

size_t HardwareSerial::print(const char *text)
{
    return write(reinterpret_cast<const uint8_t *>(text), strlen(text));
}

void HardwareSerial::flush(void)
{
}

size_t HardwareSerial::setRxBufferSize(size_t bytes)
{
    return bytes;
}

EspClass ESP;

void EspClass::restart(void)
{
    exit(EXIT_SUCCESS); /* whoever started the sketch sees it end */
}

uint32_t esp_random(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint32_t>(now.tv_nsec);
}

int main(void)
{
    setup();
    for (;;) {
        loop();
    }
}
