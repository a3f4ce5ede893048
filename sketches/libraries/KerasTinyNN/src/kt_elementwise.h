/* Element by element: table look-up (any function of one int8), addition and multiplication with broadcasting.
 * All of them may write over their first operand, or over the second if it is not broadcast. */
#ifndef KT_ELEMENTWISE_H
#define KT_ELEMENTWISE_H

#include "kt_nn.h"

/* QUANTIZE, RELU, RELU6, LEAKY_RELU, HARD_SWISH, LOGISTIC, TANH: the compiler computes the 256 answers. */
typedef struct {
    const int8_t *table; /* [256], from input -128 to 127 */
    int32_t count;       /* elements of a row */
} kt_lut;

/* out = clamp(rescale(sum of both inputs, each rescaled at 2^20) + zero_out), both inputs of the output's shape. */
typedef struct {
    int32_t multiplier_1, multiplier_2, multiplier_out;
    int32_t count;                    /* elements of a row */
    int8_t shift_1, shift_2, shift_out; /* not positive: the reference does not add otherwise */
    int8_t zero_1, zero_2, zero_out;  /* zero points; inputs' are subtracted */
    int8_t out_min, out_max;
} kt_add;

/* Two operands of any shapes that broadcast to the output's. */
typedef struct {
    int32_t multiplier_1, multiplier_2, multiplier_out;
    int8_t shift_1, shift_2, shift_out;
    int8_t zero_1, zero_2, zero_out;
    int8_t out_min, out_max;
    int32_t shape[4];     /* of the output row */
    int32_t strides_1[4]; /* elements; 0 along a broadcast dimension */
    int32_t strides_2[4];
} kt_binary;

void kt_lut_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);
void kt_add_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

/* Cortex-M4/M7/M33 with DSP instructions, GCC or Clang: out_min -128, out_max 127, shift_out below 0. */
void kt_add_row_dsp(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

void kt_add_broadcast_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

/* out = clamp(rescale((a - zero_1) * (b - zero_2)) + zero_out); multiplier_1 and _2 are not used. */
void kt_mul_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

#endif
