/* The port for Arduino cores: the link over `Serial`, time from micros(), reset as the core's chip does it.
 *
 *   static kt_board board;
 *   void setup() { kt_arduino_run(&board, kt_app()); }
 *   void loop() {}
 *
 * What a sketch cannot do and bare-metal firmware can: keep its boot count, name its faults, count instructions. */
#ifndef KT_ARDUINO_H
#define KT_ARDUINO_H

#include "kt_app.h"

/* Symbols per second of Serial; a native USB port ignores it. `mcu build --sketch` writes the board's own. */
#ifndef KT_BAUD
#define KT_BAUD 115200
#endif

/* The highest that the host may try; 0 keeps KT_BAUD. A native USB port has no rate, and beginning it anew loses it. */
#ifndef KT_MOST_BAUD
#if defined(ARDUINO_USB_CDC_ON_BOOT) && ARDUINO_USB_CDC_ON_BOOT
#define KT_MOST_BAUD 0
#elif defined(USBCON) || defined(USBD_USE_CDC)
#define KT_MOST_BAUD 0
#else
#define KT_MOST_BAUD 2000000
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Opens Serial with a receive buffer that holds what the host may send unasked. */
void kt_arduino_begin(void);

/* Opens Serial, waits for the host's first byte, then serves the link for ever. */
void kt_arduino_run(kt_board *board, const kt_board_app *app);

#ifdef __cplusplus
}
#endif

#endif
