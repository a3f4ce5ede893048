/* Depthwise 3x3 with DSP instructions.
 *
 * Four channels at a time: their three rows are turned from channels-fastest bytes into one row of int16 per channel,
 * two neighbouring pixels in a word, with the padding written out. A tap pair is then one SMLAD; four outputs run at once.
 */
#include "kt_depthwise.h"
#include "kt_dsp.h"
#include "kt_math.h"

enum { CHANNELS = 4, ROWS = 3, OUTPUTS = 4 };

/* Words of one channel's padded row. */
static int32_t words_of(const kt_depthwise *c)
{
    return (c->out_width + OUTPUTS - 1) / OUTPUTS * OUTPUTS / 2 * c->stride_w + 1;
}

/* Columns 2i - pad_left and 2i + 1 - pad_left of four channels, for every word i of the row. `plane` words lie between
 * one channel's rows and the next one's. */
static void turn_row(const kt_depthwise *c, const int8_t *row, uint32_t *to, int32_t words, int32_t plane)
{
    const uint32_t zero = (uint8_t)c->in_zero * UINT32_C(0x01010101);
    int32_t column = -c->pad_left;
    for (int32_t i = 0; i < words; ++i, column += 2) {
        uint32_t left = zero;
        uint32_t right = zero;
        if (row != NULL && column >= 0 && column < c->in_width) {
            left = kt_load_word(row + column * c->in_channels);
        }
        if (row != NULL && column + 1 >= 0 && column + 1 < c->in_width) {
            right = kt_load_word(row + (column + 1) * c->in_channels);
        }
        const uint32_t left_even = kt_widen_even(left);
        const uint32_t left_odd = kt_widen_odd(left);
        const uint32_t right_even = kt_widen_even(right);
        const uint32_t right_odd = kt_widen_odd(right);
        to[i] = kt_pack_low(left_even, right_even);
        to[i + plane] = kt_pack_low(left_odd, right_odd);
        to[i + 2 * plane] = kt_pack_high(left_even, right_even);
        to[i + 3 * plane] = kt_pack_high(left_odd, right_odd);
    }
}

/* Three weights of a row as (first, second) and (second, third). */
typedef struct {
    uint32_t front;
    uint32_t back;
} kt_taps;

static void load_taps(const int8_t *weights, kt_taps *taps)
{
    for (int r = 0; r < ROWS; ++r) {
        const uint32_t middle = (uint32_t)weights[1];
        taps[r].front = kt_pack_low((uint32_t)weights[0], middle);
        taps[r].back = kt_pack_low(middle, (uint32_t)weights[2]);
        weights += 3;
    }
}

KT_DSP_INLINE int8_t finish(const kt_depthwise *c, int32_t acc, int32_t channel, int rounding)
{
    const int32_t addend = 1 + 2 * c->out_zero;
    if (rounding == KT_ROUND_ANY) {
        const int32_t scaled = kt_rescale(acc, c->multiplier[channel], c->shift[channel]) + c->out_zero;
        return kt_clamp(scaled, c->out_min, c->out_max);
    }
    const kt_dsp_factor factor = kt_dsp_factor_of(c->multiplier[channel], c->shift[channel]);
    return (int8_t)(rounding == KT_ROUND_RELU ? kt_dsp_requantize_relu(acc, factor, addend)
                                              : kt_dsp_requantize_signed(acc, factor, addend));
}

/* One channel's output row. */
KT_DSP_INLINE void run_channel(
    const kt_depthwise *c, const uint32_t *in, int32_t words, int32_t channel, int8_t *out, int stride, int rounding)
{
    kt_taps taps[ROWS];
    load_taps(c->weights + 9 * channel, taps);
    const int32_t bias = c->bias[channel];
    const int32_t step = c->in_channels;
    for (int32_t left = c->out_width; left > 0; left -= OUTPUTS) {
        int32_t o0 = bias, o1 = bias, o2 = bias, o3 = bias;
        const uint32_t *row = in;
        for (int r = 0; r < ROWS; ++r) {
            const uint32_t front = taps[r].front;
            const uint32_t back = taps[r].back;
            const uint32_t w0 = row[0], w1 = row[1], w2 = row[2];
            if (stride == 1) {
                o0 = kt_multiply_low_high(w1, back, kt_multiply_both(w0, front, o0));
                o1 = kt_multiply_both(w1, back, kt_multiply_high_low(w0, front, o1));
                o2 = kt_multiply_low_high(w2, back, kt_multiply_both(w1, front, o2));
                o3 = kt_multiply_both(w2, back, kt_multiply_high_low(w1, front, o3));
            } else {
                const uint32_t w3 = row[3], w4 = row[4];
                o0 = kt_multiply_low_high(w1, back, kt_multiply_both(w0, front, o0));
                o1 = kt_multiply_low_high(w2, back, kt_multiply_both(w1, front, o1));
                o2 = kt_multiply_low_high(w3, back, kt_multiply_both(w2, front, o2));
                o3 = kt_multiply_low_high(w4, back, kt_multiply_both(w3, front, o3));
            }
            row += words;
        }
        in += OUTPUTS / 2 * stride;
        out[0] = finish(c, o0, channel, rounding);
        if (left >= OUTPUTS) {
            out[step] = finish(c, o1, channel, rounding);
            out[2 * step] = finish(c, o2, channel, rounding);
            out[3 * step] = finish(c, o3, channel, rounding);
            out += OUTPUTS * step;
        } else {
            if (left > 1) {
                out[step] = finish(c, o1, channel, rounding);
            }
            if (left > 2) {
                out[2 * step] = finish(c, o2, channel, rounding);
            }
        }
    }
}

KT_DSP_INLINE void run_channels(
    const kt_depthwise *c, const uint32_t *planes, int32_t words, int32_t first, int8_t *out, int stride, int rounding)
{
    for (int32_t k = 0; k < CHANNELS; ++k) {
        run_channel(c, planes + k * ROWS * words, words, first + k, out + first + k, stride, rounding);
    }
}

void kt_depthwise_3x3_row_dsp(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_depthwise *const c = op;
    uint32_t *const planes = scratch;
    const int32_t words = words_of(c);
    for (int32_t first = 0; first < c->in_channels; first += CHANNELS) {
        for (int r = 0; r < ROWS; ++r) {
            const int8_t *const row = rows[r] != NULL ? rows[r] + first : NULL;
            turn_row(c, row, planes + r * words, words, ROWS * words);
        }
        switch (c->rounding * 2 + (c->stride_w == 1 ? 0 : 1)) {
        case KT_ROUND_RELU * 2:
            run_channels(c, planes, words, first, out, 1, KT_ROUND_RELU);
            break;
        case KT_ROUND_RELU * 2 + 1:
            run_channels(c, planes, words, first, out, 2, KT_ROUND_RELU);
            break;
        case KT_ROUND_SIGNED * 2:
            run_channels(c, planes, words, first, out, 1, KT_ROUND_SIGNED);
            break;
        case KT_ROUND_SIGNED * 2 + 1:
            run_channels(c, planes, words, first, out, 2, KT_ROUND_SIGNED);
            break;
        case KT_ROUND_ANY * 2:
            run_channels(c, planes, words, first, out, 1, KT_ROUND_ANY);
            break;
        default:
            run_channels(c, planes, words, first, out, 2, KT_ROUND_ANY);
            break;
        }
    }
}
