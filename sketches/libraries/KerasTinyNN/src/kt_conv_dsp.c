/* Convolution with DSP instructions: four output pixels at a time, two multiply-accumulates per instruction.
 *
 * The four pixels' windows are widened to int16 once, in the order in which SXTB16 widens the weights (bytes 0 and 2,
 * then 1 and 3), pixel by pixel within every group of four taps. All output channels then run over them.
 */
#include "kt_conv.h"
#include "kt_dsp.h"
#include "kt_math.h"

enum { PIXELS = 4, TAPS = 4 }; /* of a group */

/* Widens `groups` groups of four bytes into pixel `p` of the block. */
static void widen(const int8_t *from, uint32_t *block, int32_t p, int32_t groups)
{
    uint32_t *to = block + 2 * p;
    for (int32_t g = 0; g < groups; ++g) {
        const uint32_t bytes = kt_load_word(from);
        to[0] = kt_widen_even(bytes);
        to[1] = kt_widen_odd(bytes);
        from += TAPS;
        to += 2 * PIXELS;
    }
}

/* Collects the window of output column x. */
static void gather(const kt_conv *c, const int8_t *const *rows, int32_t x, int8_t *window)
{
    const int32_t left = x * c->stride_w - c->pad_left;
    for (int32_t ky = 0; ky < c->window_h; ++ky) {
        for (int32_t kx = 0; kx < c->window_w; ++kx) {
            const int32_t column = left + kx * c->dilation_w;
            if (rows[ky] != NULL && column >= 0 && column < c->in_width) {
                const int8_t *const from = rows[ky] + column * c->in_channels;
                for (int32_t i = 0; i < c->in_channels; ++i) {
                    *window++ = from[i];
                }
            } else {
                for (int32_t i = 0; i < c->in_channels; ++i) {
                    *window++ = c->in_zero;
                }
            }
        }
    }
}

typedef struct {
    int32_t pixel[PIXELS];
} kt_accumulators;

/* Adds one channel's weights times four windows to four accumulators: 13 instructions for 16 products. */
KT_DSP_INLINE kt_accumulators multiply(const int8_t *weights, const uint32_t *block, int32_t groups, int32_t bias)
{
    int32_t a = bias, b = bias, c = bias, d = bias;
    uint32_t even, odd;
#define GROUP                                                                                                          \
    "ldr %[even], [%[weights]], #4\n"                                                                                  \
    "ldm %[block]!, {r8-r11}\n"                                                                                        \
    "sxtb16 %[odd], %[even], ror #8\n"                                                                                 \
    "sxtb16 %[even], %[even]\n"                                                                                        \
    "smlad %[a], %[even], r8, %[a]\n"                                                                                  \
    "smlad %[b], %[even], r10, %[b]\n"                                                                                 \
    "smlad %[a], %[odd], r9, %[a]\n"                                                                                   \
    "smlad %[b], %[odd], r11, %[b]\n"                                                                                  \
    "ldm %[block]!, {r8-r11}\n"                                                                                        \
    "smlad %[c], %[even], r8, %[c]\n"                                                                                  \
    "smlad %[d], %[even], r10, %[d]\n"                                                                                 \
    "smlad %[c], %[odd], r9, %[c]\n"                                                                                   \
    "smlad %[d], %[odd], r11, %[d]\n"
    __asm__("lsrs %[groups], %[groups], #1\n"
            "bcc 1f\n" GROUP "cmp %[groups], #0\n"
            "beq 2f\n"
            "1:\n" GROUP GROUP "subs %[groups], %[groups], #1\n"
            "bne 1b\n"
            "2:\n"
            : [weights] "+r"(weights), [block] "+r"(block), [groups] "+r"(groups), [a] "+r"(a), [b] "+r"(b),
              [c] "+r"(c), [d] "+r"(d), [even] "=&r"(even), [odd] "=&r"(odd)
            :
            : "r8", "r9", "r10", "r11", "cc", "memory");
#undef GROUP
    const kt_accumulators sums = {{a, b, c, d}};
    return sums;
}

/* All channels of a block; `rounding` is a constant where this is inlined. */
KT_DSP_INLINE void run_block(const kt_conv *c, const uint32_t *block, int8_t *out, int32_t pixels, int rounding)
{
    const int32_t groups = c->filter_bytes / TAPS;
    const int32_t addend = 1 + 2 * c->out_zero;
    const int32_t step = c->out_channels;
    const int8_t *weights = c->weights;
    for (int32_t o = 0; o < c->out_channels; ++o) {
        kt_accumulators sums = multiply(weights, block, groups, c->bias[o]);
        weights += c->filter_bytes;
        if (rounding == KT_ROUND_ANY) {
            for (int p = 0; p < PIXELS; ++p) {
                const int32_t scaled = kt_rescale(sums.pixel[p], c->multiplier[o], c->shift[o]) + c->out_zero;
                sums.pixel[p] = kt_clamp(scaled, c->out_min, c->out_max);
            }
        } else {
            const kt_dsp_factor factor = kt_dsp_factor_of(c->multiplier[o], c->shift[o]);
            for (int p = 0; p < PIXELS; ++p) {
                sums.pixel[p] = rounding == KT_ROUND_RELU ? kt_dsp_requantize_relu(sums.pixel[p], factor, addend)
                                                          : kt_dsp_requantize_signed(sums.pixel[p], factor, addend);
            }
        }
        out[0] = (int8_t)sums.pixel[0];
        if (pixels == PIXELS) {
            out[step] = (int8_t)sums.pixel[1];
            out[2 * step] = (int8_t)sums.pixel[2];
            out[3 * step] = (int8_t)sums.pixel[3];
        } else {
            for (int32_t p = 1; p < pixels; ++p) {
                out[p * step] = (int8_t)sums.pixel[p];
            }
        }
        ++out;
    }
}

void kt_conv_row_dsp(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_conv *const c = op;
    uint32_t *const block = scratch;
    int8_t *const window = (int8_t *)scratch + 2 * PIXELS * c->filter_bytes;
    const int32_t groups = c->filter_bytes / TAPS;
    const int direct = c->window_h == 1 && c->window_w == 1 && c->pad_left == 0 && c->in_channels == c->filter_bytes;
    for (int32_t x = 0; x < c->out_width; x += PIXELS) {
        const int32_t pixels = c->out_width - x < PIXELS ? c->out_width - x : PIXELS;
        for (int32_t p = 0; p < pixels; ++p) {
            if (direct) {
                widen(rows[0] + (x + p) * c->stride_w * c->in_channels, block, p, groups);
            } else {
                gather(c, rows, x + p, window);
                widen(window, block, p, groups);
            }
        }
        switch (c->rounding) {
        case KT_ROUND_RELU:
            run_block(c, block, out, pixels, KT_ROUND_RELU);
            break;
        case KT_ROUND_SIGNED:
            run_block(c, block, out, pixels, KT_ROUND_SIGNED);
            break;
        default:
            run_block(c, block, out, pixels, KT_ROUND_ANY);
            break;
        }
        out += pixels * c->out_channels;
    }
}
