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
