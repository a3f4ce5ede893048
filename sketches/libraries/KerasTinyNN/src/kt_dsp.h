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

/* Four bytes to any address. */
KT_DSP_INLINE void kt_store_word(int8_t *to, uint32_t word)
{
    __asm__("str %1, %0" : "=m"(*(uint8_t(*)[4])to) : "r"(word));
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

/* Requantization of one accumulator, as text for the kernels' assembly.
 *
 * SMMLAR with M = 2 * multiplier - 2^32 is x + round(x * M / 2^32) = round(x * multiplier / 2^31), halves up, exact for
 * every int32. The division by 2^n is split in two: a shift by n - 1, then (x + 1 + 2 * zero point) / 2 inside SSAT.
 * Halves have to go away from zero: KT_SIGN does that for negative products; behind a ReLU they do not show. */
#define KT_SIGN(x) "add " x ", " x ", " x ", asr #31\n"
#define KT_NO_SIGN(x) ""
#define KT_REQUANTIZE(x, multiplier, shift, addend, SIGN)                                                              \
    "smmlar " x ", " x ", " multiplier ", " x "\n" SIGN(x) "asr " x ", " x ", " shift "\n"                             \
    "add " x ", " x ", " addend "\n"                                                                                   \
    "ssat " x ", #8, " x ", asr #1\n"

#endif
