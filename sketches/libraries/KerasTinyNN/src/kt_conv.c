/* Convolution in portable C. */
#include "kt_conv.h"
#include "kt_math.h"

static int32_t dot(const int8_t *weights, const int8_t *input, int32_t count)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < count; ++i) {
        sum += weights[i] * input[i];
    }
    return sum;
}

static int32_t dot_padding(const int8_t *weights, int32_t zero, int32_t count)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < count; ++i) {
        sum += weights[i];
    }
    return sum * zero;
}

void kt_conv_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_conv *const c = op;
    (void)scratch;
    for (int32_t x = 0; x < c->out_width; ++x) {
        const int32_t left = x * c->stride_w - c->pad_left;
        for (int32_t o = 0; o < c->out_channels; ++o) {
            const int8_t *weights = c->weights + o * c->filter_bytes;
            int32_t acc = c->bias[o];
            for (int32_t ky = 0; ky < c->window_h; ++ky) {
                for (int32_t kx = 0; kx < c->window_w; ++kx) {
                    const int32_t column = left + kx * c->dilation_w;
                    if (rows[ky] != NULL && column >= 0 && column < c->in_width) {
                        acc += dot(weights, rows[ky] + column * c->in_channels, c->in_channels);
                    } else {
                        acc += dot_padding(weights, c->in_zero, c->in_channels);
                    }
                    weights += c->in_channels;
                }
            }
            acc = kt_rescale(acc, c->multiplier[o], c->shift[o]) + c->out_zero;
            *out++ = kt_clamp(acc, c->out_min, c->out_max);
        }
    }
}
