/* Addition of two tensors of one shape with DSP instructions.
 *
 * The operand with the larger scale always has the factor 1/2, which takes no multiplication: its 2^20 becomes 2^19.
 */
#include "kt_dsp.h"
#include "kt_elementwise.h"

void kt_add_row_dsp(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_add *const c = op;
    const int swapped = c->shift_1 != 0;
    const int8_t *large = rows[swapped ? 1 : 0];
    const int8_t *small = rows[swapped ? 0 : 1];
    const int32_t shift_in = swapped ? c->shift_1 : c->shift_2;
    /* A factor of 1/2 for the smaller one too: M = 0 multiplies by one, and the shift divides by two. */
    const int32_t shift = shift_in == 0 ? 1 : -shift_in;
    const uint32_t doubled = (uint32_t)(swapped ? c->multiplier_1 : c->multiplier_2) << 1;
    const int32_t multiplier = shift_in == 0 ? 0 : (int32_t)doubled;
    const int32_t half = (int32_t)(UINT32_C(1) << (shift - 1));
    const int32_t zero = swapped ? c->zero_1 : c->zero_2;
    const int32_t large_zero = (swapped ? c->zero_2 : c->zero_1) * (1 << 19);
    const int32_t multiplier_out = (int32_t)((uint32_t)c->multiplier_out << 1);
    const int32_t shift_out = -c->shift_out - 1;
    const int32_t addend = 1 + 2 * c->zero_out;
    const int8_t *const end = out + c->count;
    (void)scratch;
    while (out < end) {
        int32_t x = (*small++ - zero) * (1 << 20);
        __asm__("smmlar %0, %0, %1, %0" : "+r"(x) : "r"(multiplier));
        x += x >> 31;
        x = ((x + half) >> shift) + *large++ * (1 << 19) - large_zero;
        __asm__(KT_REQUANTIZE("%0", "%1", "%2", "%3", KT_SIGN)
                : "+r"(x)
                : "r"(multiplier_out), "r"(shift_out), "r"(addend));
        *out++ = (int8_t)x;
    }
}
