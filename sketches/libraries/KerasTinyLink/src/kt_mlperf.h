/* KerasTinyLink's other personality: MLPerf Tiny's serial protocol on the same line (docs/reference/mlperf_tiny.md).
 *
 * What it is for: MLPerf Tiny's own runner loads samples as text, has the model run and reads times and results.
 * How it works: the first byte after a zero chooses. A printable one begins text, which lasts to the next zero; all
 *   else goes to the link. While a host is connected to the link, all bytes are the link's.
 * Compiled in with -DKT_MLPERF only: about 3.3 KiB of flash, and RAM for one sample, which must stay for the next run.
 * Blocking: kt_mlperf_feed returns when all is answered; it runs the model when asked to. No heap, no printf. */
#ifndef KT_MLPERF_H
#define KT_MLPERF_H

#include "kt_link.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KT_MLPERF_COMMAND_BYTES 80 /* of the longest command, without its '%' */

/* Real value of an output: (q - zero_point) * scale. */
typedef struct {
    uint32_t scale_bits; /* a positive float, as its IEEE 754 bits */
    int32_t zero_point;
} kt_mlperf_scale;

/* How the model shows itself; all stays the caller's and must stay there. */
typedef struct {
    const char *model_id;           /* "ic01": the runner chooses its script by it */
    uint8_t *input;                 /* room for all inputs, one after another; zeros at start */
    const kt_mlperf_scale *outputs; /* one for each */
    uint8_t flip;                   /* each byte is XORed with it: 0x80 makes int8 of pixels */
} kt_mlperf_app;

typedef enum {
    KT_STRETCH_NOISE, /* nothing yet since the last zero, or what neither begins with */
    KT_STRETCH_FRAME,
    KT_STRETCH_TEXT,
} kt_stretch;

typedef struct {
    kt_link *link;
    const kt_mlperf_app *app;
    uint64_t first_tick;
    uint32_t input_bytes; /* of all inputs */
    uint32_t expected;    /* that `db load` announced, 0 before the first; more than input_bytes were refused */
    uint32_t loaded;
    bool ran;
    bool after_zero;
    kt_stretch stretch;
    uint8_t count; /* of the command; one more than fits tells that it is too long */
    char command[KT_MLPERF_COMMAND_BYTES + 1];
} kt_mlperf;

/* `link` is ready; its model and its clock are used here too. */
void kt_mlperf_init(kt_mlperf *mlperf, kt_link *link, const kt_mlperf_app *app);

/* Takes what has arrived, for the link or for this; answers with kt_port_write. */
void kt_mlperf_feed(kt_mlperf *mlperf, const uint8_t *bytes, size_t count);

#ifdef __cplusplus
}
#endif

#endif
