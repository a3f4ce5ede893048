/* Arm's DSP instructions (Armv7E-M, Armv8-M main with DSP) as functions of one instruction each.
 *
 * Two int16 travel in one word: `low` is bits 0..15, `high` bits 16..31.
 */
#ifndef KT_DSP_H
#define KT_DSP_H

#include <stdint.h>

#if !defined(__ARM_FEATURE_DSP) || !defined(__GNUC__)
#error "These kernels need a core with DSP instructions (Cortex-M4, M7, M33) and GCC or Clang; compile the portable ones."
#endif

#define KT_DSP_INLINE static inline __attribute__((always_inline))

/* Four bytes from any address; the core loads unaligned words by itself. */
KT_DSP_INLINE uint32_t kt_load_word(const int8_t *from)
{
    uint32_t word;
    __asm__("ldr %0, %1" : "=r"(word) : "m"(*(const uint8_t(*)[4])from));
    return word;
}

/* Bytes 0 and 2, widened. */
KT_DSP_INLINE uint32_t kt_widen_even(uint32_t bytes)
{
    uint32_t pair;
    __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(bytes));
    return pair;
}

/* Bytes 1 and 3, widened. */
KT_DSP_INLINE uint32_t kt_widen_odd(uint32_t bytes)
{
    uint32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(bytes));
    return pair;
}

/* (low of a, low of b) */
KT_DSP_INLINE uint32_t kt_pack_low(uint32_t a, uint32_t b)
{
    uint32_t pair;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(a), "r"(b));
    return pair;
}

/* (high of a, high of b) */
KT_DSP_INLINE uint32_t kt_pack_high(uint32_t a, uint32_t b)
{
    uint32_t pair;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(b), "r"(a));
    return pair;
}

/* acc + low * low + high * high */
KT_DSP_INLINE int32_t kt_multiply_both(uint32_t a, uint32_t b, int32_t acc)
{
    int32_t sum;
    __asm__("smlad %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(acc));
    return sum;
}

/* acc + low of a * high of b */
KT_DSP_INLINE int32_t kt_multiply_low_high(uint32_t a, uint32_t b, int32_t acc)
{
    int32_t sum;
    __asm__("smlabt %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(acc));
    return sum;
}

/* acc + high of a * low of b */
KT_DSP_INLINE int32_t kt_multiply_high_low(uint32_t a, uint32_t b, int32_t acc)
{
    int32_t sum;
    __asm__("smlatb %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(acc));
    return sum;
}

/* One channel's factor, ready for the instructions below. */
typedef struct {
    int32_t multiplier; /* 2 * multiplier - 2^32 */
    int32_t shift;      /* to the right, less one */
} kt_dsp_factor;

KT_DSP_INLINE kt_dsp_factor kt_dsp_factor_of(int32_t multiplier, int32_t shift)
{
    const kt_dsp_factor factor = {(int32_t)((uint32_t)multiplier << 1), -shift - 1};
    return factor;
}

/* round(x * multiplier / 2^31), halves up, exact for every int32: with M = 2 * multiplier - 2^32 it is
 * x + round(x * M / 2^32), one SMMLAR. */
KT_DSP_INLINE int32_t kt_dsp_high_multiply(int32_t x, kt_dsp_factor factor)
{
    int32_t product;
    __asm__("smmlar %0, %1, %2, %1" : "=r"(product) : "r"(x), "r"(factor.multiplier));
    return product;
}

/* clamp((x >> shift) + addend) / 2 to int8): with addend = 1 + 2 * zero point, the second rounding and the zero. */
KT_DSP_INLINE int32_t kt_dsp_finish(int32_t x, kt_dsp_factor factor, int32_t addend)
{
    int32_t result;
    __asm__("ssat %0, #8, %1, asr #1" : "=r"(result) : "r"((x >> factor.shift) + addend));
    return result;
}

/* KT_ROUND_RELU: what a negative product rounds to does not show. */
KT_DSP_INLINE int32_t kt_dsp_requantize_relu(int32_t x, kt_dsp_factor factor, int32_t addend)
{
    return kt_dsp_finish(kt_dsp_high_multiply(x, factor), factor, addend);
}

/* KT_ROUND_SIGNED: halves away from zero. */
KT_DSP_INLINE int32_t kt_dsp_requantize_signed(int32_t x, kt_dsp_factor factor, int32_t addend)
{
    const int32_t product = kt_dsp_high_multiply(x, factor);
    return kt_dsp_finish(product + (product >> 31), factor, addend);
}

#endif
