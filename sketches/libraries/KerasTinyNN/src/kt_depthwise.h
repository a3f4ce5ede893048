/* Depthwise convolution, any window, stride, dilation, padding and depth multiplier.
 *
 * Output channel o reads input channel o / depth_multiplier. The portable kernel subtracts the input's zero point itself
 * and leaves padding out; the fast ones have it folded into the bias, as in kt_conv.h, and write the padding out.
 */
#ifndef KT_DEPTHWISE_H
#define KT_DEPTHWISE_H

#include "kt_conv.h"

typedef struct {
    const int8_t *weights;     /* [window_h][window_w][out_channels] */
    const int32_t *bias;       /* [out_channels] */
    const int32_t *multiplier; /* [out_channels] */
    const int8_t *shift;       /* [out_channels] */
    int16_t in_width;
    int16_t in_channels;
    int16_t out_width;
    int16_t depth_multiplier;
    int16_t window_h;
    int16_t window_w;
    int16_t stride_w;
    int16_t dilation_w;
    int16_t pad_left;
    int8_t in_zero;
    int8_t out_zero;
    int8_t out_min;
    int8_t out_max;
} kt_depthwise;

/* 3x3, dilation 1, stride_w 1 or 2, depth multiplier 1, channels a multiple of 4, limits of -128..127. */
typedef struct {
    const int8_t *weights;      /* [channels][3][3] */
    const kt_channel *channels; /* [in_channels] */
    int16_t in_width;
    int16_t in_channels;
    int16_t out_width;
    int16_t stride_w;
    int16_t pad_left;
    int16_t in_height; /* these four for the kernel that sees whole tensors */
    int16_t out_height;
    int16_t stride_h;
    int16_t pad_top;
    int8_t in_zero;
    int8_t out_zero;
} kt_depthwise_fast;

/* Portable C. Scratch: none. */
void kt_depthwise_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

/* Cortex-M4/M7/M33 with DSP instructions, GCC or Clang; `op` is a kt_depthwise_fast. Those named relu are for
 * out_min >= out_zero, see kt_conv_fast. Scratch: four channels of three padded rows as int16, see conv.py. */
void kt_depthwise_3x3_row_relu_dsp(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);
void kt_depthwise_3x3_row_dsp(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

/* The same over a whole tensor at once, for small ones: every row is turned once instead of three times, every channel's
 * weights are fetched once. rows[0] is the input; not in place. Scratch: four channels of the padded tensor as int16. */
void kt_depthwise_3x3_plane_relu_dsp(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);
void kt_depthwise_3x3_plane_dsp(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

#endif
