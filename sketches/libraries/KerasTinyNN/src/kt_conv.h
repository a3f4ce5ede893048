/* Convolution, any window, stride, dilation and padding; fully connected layers are 1x1 convolutions of one row.
 *
 * acc = bias[o] + sum(weights * input); out = clamp(rescale(acc) + out_zero). The compiler folds the input's zero
 * point into the bias (bias - in_zero * sum of weights), so padding counts as in_zero.
 */
#ifndef KT_CONV_H
#define KT_CONV_H

#include "kt_nn.h"

typedef struct {
    const int8_t *weights;     /* [out_channels][window_h][window_w][in_channels], each channel padded to `filter_bytes` */
    const int32_t *bias;       /* [out_channels] */
    const int32_t *multiplier; /* [out_channels] */
    const int8_t *shift;       /* [out_channels] */
    int32_t filter_bytes;      /* from one output channel's weights to the next */
    int16_t in_width;
    int16_t in_channels;
    int16_t out_width;
    int16_t out_channels;
    int16_t window_h;
    int16_t window_w;
    int16_t stride_w;
    int16_t dilation_w;
    int16_t pad_left;
    int8_t in_zero;
    int8_t out_zero;
    int8_t out_min;
    int8_t out_max;
    uint8_t rounding; /* KT_ROUND_*: which of the fast kernels' requantizations is exact for every channel */
} kt_conv;

enum {
    KT_ROUND_ANY = 0,    /* shifts to the left, or limits other than -128..127 */
    KT_ROUND_SIGNED = 1, /* shifts -31..-1, limits -128..127 */
    KT_ROUND_RELU = 2    /* the same and out_min >= out_zero: negative accumulators need no rounding of their own */
};

/* Portable C. Scratch: none. */
void kt_conv_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

/* Cortex-M4/M7/M33 with DSP instructions, GCC or Clang. KT_ROUND_SIGNED or KT_ROUND_RELU; weights padded with zeros to
 * a multiple of 8 bytes per channel. Scratch: 13 * filter_bytes (six widened windows and one as bytes). */
void kt_conv_row_dsp(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

#endif
