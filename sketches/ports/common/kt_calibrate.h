/* Whether the clock of a board counts instructions, as an emulator's does (QEMU -icount). */
#ifndef KT_CALIBRATE_H
#define KT_CALIBRATE_H

#include "kt_link.h"

/* Fills instructions_per and ticks_per if kt_port_ticks advances by the same power of two of nanoseconds with every
 * instruction; leaves them 0 if not. Needs ticks_per_s, a multiple of
 * 1 MHz, and interrupts off. Takes some 100,000 instructions. */
void kt_calibrate(kt_link_clock *clock);

#endif
