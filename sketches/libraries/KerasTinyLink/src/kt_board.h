/* The whole application of a board: a model behind the link, with guards around its memory.
 *
 * A port calls kt_board_run once, with what only it knows; the model and its memory come from the generated
 * application (kt_app.h). Fault handlers call kt_board_fault with what they found. Ports give kt_port.h.
 *
 *   static kt_board board;
 *   int main(void) { kt_board_run(&board, kt_app(), &start); } */
#ifndef KT_BOARD_H
#define KT_BOARD_H

#include "kt_link.h"
#ifdef KT_MLPERF
#include "kt_mlperf.h"
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define KT_GUARD_WORDS 8 /* before and behind the arena */
#define KT_RESET_CAUSE_BYTES 96

/* What the generated application says. */
typedef struct {
    const kt_tensor *inputs;
    const kt_bytes *outputs;
#ifdef KT_LINK_OVERLAP
    const kt_tensor *staging; /* as kt_link_model has it */
#endif
    uint16_t input_count;
    uint16_t output_count;
    int (*invoke)(void *context, uint32_t *operator_ticks, const char **why);
    uint32_t *operator_ticks;
    uint16_t operator_count;
    kt_bytes identity;      /* entries that are known when it is built */
    uint32_t *guards[2];    /* KT_GUARD_WORDS each, directly before and behind the arena */
    uint32_t tflite_crc32;  /* of the .tflite file */
#ifdef KT_MLPERF
    const kt_mlperf_app *mlperf;
#endif
} kt_board_app;

/* What the port says. */
typedef struct {
    const char *reset_cause; /* text, "" if not known */
    uint32_t boot_count;
    uint16_t session;    /* boot nonce, as kt_link_init takes it */
    kt_link_clock clock; /* of kt_port_ticks */
    uint32_t baud;       /* of the line */
    uint32_t most_baud;  /* that kt_port_set_baud takes; 0 where the rate is of no importance, or fixed */
    kt_bytes constants;  /* the model's in flash, to be checked; 0 bytes where that is not known */
    uint32_t constants_crc32; /* that they had when the image was built */
} kt_board_start;

typedef struct {
    kt_link link;
    kt_link_model model;
    kt_bytes identity[2];
    uint8_t started[6 + 6 + 2 + KT_RESET_CAUSE_BYTES]; /* entries that are known at start only */
    const kt_board_app *app;
#ifdef KT_MLPERF
    kt_mlperf mlperf;
#endif
} kt_board;

/* Serves the link until kt_port_read returns 0, which no microcontroller's does. */
void kt_board_run(kt_board *board, const kt_board_app *app, const kt_board_start *start);

/* Tells the host something, see kt_link_log; from the main program, not from interrupts. */
void kt_board_log(kt_board *board, enum kt_log_level level, const char *text);

/* Says FAULT over the link; the caller resets then. Safe in a fault handler, and before kt_board_run. */
void kt_board_fault(kt_board *board, const kt_fault *fault, const char *text);

/* A port's: the model has written beside its arena. Reports it and resets. */
#if defined(__GNUC__)
__attribute__((noreturn))
#endif
void kt_port_arena_overflow(const uint32_t *where);

#ifdef KT_FAULT_INJECTION
/* For tests, in images built for them only: an input that begins with this text and a digit makes the port cause
 * the fault of that number when the model is about to run. */
#define KT_INJECT_TEXT "KTFAULT"
void kt_port_inject(int number);
#endif

#ifdef __cplusplus
}
#endif

#endif
