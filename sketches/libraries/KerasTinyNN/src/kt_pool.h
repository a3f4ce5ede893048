/* Max and average pooling. Cells outside the input do not count. The output has the input's scale and zero point. */
#ifndef KT_POOL_H
#define KT_POOL_H

#include "kt_nn.h"

typedef struct {
    int16_t in_width;
    int16_t channels;
    int16_t out_width;
    int16_t window_h;
    int16_t window_w;
    int16_t stride_w;
    int16_t pad_left;
    int8_t out_min;
    int8_t out_max;
} kt_pool;

void kt_max_pool_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

/* The mean, halves away from zero. */
void kt_average_pool_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

#endif
