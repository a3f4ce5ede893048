/* The integer arithmetic of TensorFlow Lite Micro's reference kernels (gemmlowp's double rounding), free of undefined
 * behaviour. A real factor is `multiplier * 2^(shift - 31)`: multiplier in [0, 2^31), shift in -31..30, positive left.
 */
#ifndef KT_MATH_H
#define KT_MATH_H

#include <stdint.h>

/* round(a * b / 2^31), halves up. */
static inline int32_t kt_high_multiply(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

/* round(x / 2^exponent), halves away from zero; exponent in 0..31. */
static inline int32_t kt_divide_by_power_of_two(int32_t x, int32_t exponent)
{
    const uint32_t mask = (UINT32_C(1) << exponent) - 1U;
    const uint32_t remainder = (uint32_t)x & mask;
    const uint32_t threshold = (mask >> 1) + (x < 0 ? 1U : 0U);
    return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

/* x times a real factor, rounded twice as the reference does. */
static inline int32_t kt_rescale(int32_t x, int32_t multiplier, int32_t shift)
{
    if (shift > 0) {
        return kt_high_multiply((int32_t)((uint32_t)x << shift), multiplier);
    }
    return kt_divide_by_power_of_two(kt_high_multiply(x, multiplier), -shift);
}

static inline int8_t kt_clamp(int32_t x, int32_t low, int32_t high)
{
    return (int8_t)(x < low ? low : (x > high ? high : x));
}

/* Copies bytes that do not overlap; returns the end of what it wrote. */
static inline int8_t *kt_copy(int8_t *restrict to, const int8_t *restrict from, int32_t count)
{
    for (int32_t i = 0; i < count; ++i) {
        to[i] = from[i];
    }
    return to + count;
}

#endif
