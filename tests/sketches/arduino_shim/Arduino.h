/* The part of Arduino's API that the sketches use, for a computer: Serial is stdin and stdout (a pty), time is the
 * system's. Source: Arduino language reference (Serial, micros, delay). */
#ifndef ARDUINO_H
#define ARDUINO_H

#include <stddef.h>
#include <stdint.h>

unsigned long micros(void);
void delay(unsigned long milliseconds);
void yield(void);

class HardwareSerial {
  public:
    size_t setRxBufferSize(size_t bytes); /* of the ESP32's core */
    void begin(unsigned long baud);
    void end(void);
    int available(void); /* bytes that have arrived; ends the program when the line is closed */
    int read(void);      /* one of them, -1 if there is none */
    size_t write(const uint8_t *bytes, size_t count);
    size_t print(const char *text);
    void flush(void);
};

extern HardwareSerial Serial;

/* Of the ESP32's core. */
class EspClass {
  public:
    [[noreturn]] void restart(void);
};

extern EspClass ESP;
uint32_t esp_random(void);

#endif
