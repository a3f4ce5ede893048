/* What survives a reset: how often the board has started, its last session, and what ended the program before.
 *
 * The record lies in RAM that the start-up code leaves alone (.noinit) and carries a CRC-32, so that random content
 * after power-on is not taken for one. */
#ifndef KT_BOOT_H
#define KT_BOOT_H

#include "kt_board.h"

/* Once, at start. Fills boot_count, session and reset_cause; `hardware_cause` is what the chip says of this reset
 * ("power-on", "watchdog" ...), `entropy` any bits that differ from one power-on to the next. */
void kt_boot(kt_board_start *start, const char *hardware_cause, uint32_t entropy);

/* From a fault handler: the next start will say it as its reset cause. */
void kt_boot_keep(const kt_fault *fault);

/* Bits of memory that nobody has written since power-on: random on a real chip. */
uint32_t kt_boot_entropy(const uint32_t *words, uint32_t count);

/* Names a cause, for people: "stack overflow". */
const char *kt_fault_name(uint32_t cause);

#endif
