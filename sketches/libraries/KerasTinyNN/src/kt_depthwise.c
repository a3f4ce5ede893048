/* Depthwise convolution in portable C. */
#include "kt_depthwise.h"
#include "kt_math.h"

static int32_t accumulate(const kt_depthwise *c, const int8_t *const *rows, int32_t left, int32_t channel, int32_t o)
{
    const int32_t out_channels = c->in_channels * c->depth_multiplier;
    const int8_t *weights = c->weights + o;
    int32_t acc = c->bias[o];
    for (int32_t ky = 0; ky < c->window_h; ++ky) {
        for (int32_t kx = 0; kx < c->window_w; ++kx) {
            const int32_t column = left + kx * c->dilation_w;
            const int inside = rows[ky] != NULL && column >= 0 && column < c->in_width;
            const int32_t value = inside ? rows[ky][column * c->in_channels + channel] : c->in_zero;
            acc += *weights * value;
            weights += out_channels;
        }
    }
    return acc;
}

void kt_depthwise_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_depthwise *const c = op;
    (void)scratch;
    for (int32_t x = 0; x < c->out_width; ++x) {
        const int32_t left = x * c->stride_w - c->pad_left;
        int32_t o = 0;
        for (int32_t channel = 0; channel < c->in_channels; ++channel) {
            for (int32_t m = 0; m < c->depth_multiplier; ++m, ++o) {
                const int32_t acc = accumulate(c, rows, left, channel, o);
                const int32_t scaled = kt_rescale(acc, c->multiplier[o], c->shift[o]) + c->out_zero;
                *out++ = kt_clamp(scaled, c->out_min, c->out_max);
            }
        }
    }
}
