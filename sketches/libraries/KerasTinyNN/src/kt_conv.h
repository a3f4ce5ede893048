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
} kt_conv;

/* What a fast kernel needs of one output channel: the shift lies in five bits of the bias that no bias needs. */
typedef struct {
    int32_t bias_and_shift; /* bias * 32 + n - 1 for a shift of n to the right, n in 1..31 */
    int32_t multiplier;     /* 2 * multiplier - 2^32 */
} kt_channel;

/* Limits of -128..127 and nothing but shifts to the right: what the fast kernels compute exactly. */
typedef struct {
    const int8_t *weights;      /* as in kt_conv */
    const kt_channel *channels; /* [out_channels] */
    int32_t filter_bytes;
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
    uint8_t is_relu; /* out_min >= out_zero: negative accumulators need no rounding of their own */
} kt_conv_fast;

/* Portable C. Scratch: none. */
void kt_conv_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

/* Cortex-M4/M7/M33 with DSP instructions, GCC or Clang; `op` is a kt_conv_fast, weights are padded with zeros to a
 * multiple of 8 bytes per channel. Scratch: 13 * filter_bytes (six widened windows and one as bytes). */
void kt_conv_row_dsp(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

#endif
