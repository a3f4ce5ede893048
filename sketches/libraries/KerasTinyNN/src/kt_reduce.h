/* Mean over neighbouring axes, and softmax over the last one. Whole tensors, as one row. */
#ifndef KT_REDUCE_H
#define KT_REDUCE_H

#include "kt_nn.h"

/* The input is (outer, count, inner); the mean is taken over `count`. The factor holds the scales and 1 / count. */
typedef struct {
    int32_t outer;
    int32_t count;
    int32_t inner;
    int32_t multiplier;
    int32_t sum_of_zeros; /* count * zero point of the input */
    int16_t shift;
    int16_t out_zero;
} kt_mean;

void kt_mean_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

/* `exponentials[d]` is exp of a value d steps below the row's largest, Q0.31; 0 where it does not count. */
typedef struct {
    const int32_t *exponentials; /* [exponential_count] */
    int32_t exponential_count;   /* 1..256 */
    int32_t outer;
    int32_t depth;
} kt_softmax;

/* May write over its input. */
void kt_softmax_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

#endif
