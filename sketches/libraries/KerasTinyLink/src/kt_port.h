/* What a port provides: eight functions. Everything else of the firmware compiles on any computer.
 *
 * A port also brings its start-up code, calls kt_board_run (kt_board.h) and, where it can, kt_board_fault from its
 * fault handlers. sketches/ports/host is the shortest example, sketches/ports/stm32f4 a complete one. */
#ifndef KT_PORT_H
#define KT_PORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Takes received bytes, at most `capacity`; returns how many. Waits, asleep if it can, until there is at least one;
 * 0 means that there will never be one again, which only a port on a computer says. While the model runs nobody
 * calls it: the port keeps at least KT_LINK_WINDOW + KT_LINK_MAX_PAYLOAD bytes meanwhile, or makes the line wait. */
size_t kt_port_read(uint8_t *bytes, size_t capacity);

/* Sends bytes. May block until the line has taken them. Works in fault handlers, with interrupts off. */
void kt_port_write(const uint8_t *bytes, size_t count);

/* A clock that only goes up, in ticks of the rate that kt_board_start names. Called often while a profile is taken. */
uint64_t kt_port_ticks(void);

/* The model is about to run (1) or has run (0): a port may hold back what would disturb its measurement. */
void kt_port_busy(int busy);

/* Whether kt_port_read would return at once. Called while a rate of the line is tried (kt_port_set_baud). */
int kt_port_has_received(void);

/* Changes the line's rate, symbols per second, as soon as all that was written has left. Called only where the port has
 * named a highest rate in kt_board_start; one above that is not asked for. */
void kt_port_set_baud(uint32_t baud);

/* How often since the start received bytes were lost because nobody took them in time; 0 where that is not known. */
uint32_t kt_port_overruns(void);

/* Starts the whole board again. */
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void kt_port_reset(void);

#ifdef __cplusplus
}
#endif

#endif
