/* Transposed convolution, gathered: each output looks for the inputs that reach it, so no accumulator image is needed
 * (the reference scatters into 4 bytes per output). Whole tensors, as one row. Bias is not folded. */
#ifndef KT_TRANSPOSE_CONV_H
#define KT_TRANSPOSE_CONV_H

#include "kt_nn.h"

typedef struct {
    const int8_t *weights;     /* [out_channels][window_h][window_w][in_channels] */
    const int32_t *bias;       /* [out_channels] */
    const int32_t *multiplier; /* [out_channels] */
    const int8_t *shift;       /* [out_channels] */
    int16_t in_height;
    int16_t in_width;
    int16_t in_channels;
    int16_t out_height;
    int16_t out_width;
    int16_t out_channels;
    int16_t window_h;
    int16_t window_w;
    int16_t stride_h;
    int16_t stride_w;
    int16_t pad_top;
    int16_t pad_left;
    int8_t in_zero;
    int8_t out_zero;
    int8_t out_min;
    int8_t out_max;
} kt_transpose_conv;

void kt_transpose_conv_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

#endif
