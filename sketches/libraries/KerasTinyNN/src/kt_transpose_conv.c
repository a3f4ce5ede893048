/* Transposed convolution in portable C. */
#include "kt_transpose_conv.h"
#include "kt_math.h"

/* The input cell whose window cell k lands on `position`, or -1. */
static int32_t source(int32_t position, int32_t k, int32_t stride, int32_t size)
{
    const int32_t scaled = position - k;
    if (scaled < 0 || scaled % stride != 0 || scaled / stride >= size) {
        return -1;
    }
    return scaled / stride;
}

static int32_t accumulate(const kt_transpose_conv *c, const int8_t *in, int32_t y, int32_t x, int32_t o)
{
    const int8_t *const filter = c->weights + o * c->window_h * c->window_w * c->in_channels;
    int32_t acc = 0;
    for (int32_t ky = 0; ky < c->window_h; ++ky) {
        const int32_t row = source(y + c->pad_top, ky, c->stride_h, c->in_height);
        for (int32_t kx = 0; row >= 0 && kx < c->window_w; ++kx) {
            const int32_t column = source(x + c->pad_left, kx, c->stride_w, c->in_width);
            if (column >= 0) {
                const int8_t *const weights = filter + (ky * c->window_w + kx) * c->in_channels;
                const int8_t *const values = in + (row * c->in_width + column) * c->in_channels;
                for (int32_t i = 0; i < c->in_channels; ++i) {
                    acc += weights[i] * (values[i] - c->in_zero);
                }
            }
        }
    }
    return acc;
}

void kt_transpose_conv_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_transpose_conv *const c = op;
    (void)scratch;
    for (int32_t y = 0; y < c->out_height; ++y) {
        for (int32_t x = 0; x < c->out_width; ++x) {
            for (int32_t o = 0; o < c->out_channels; ++o) {
                const int32_t acc = accumulate(c, rows[0], y, x, o) + c->bias[o];
                const int32_t scaled = kt_rescale(acc, c->multiplier[o], c->shift[o]) + c->out_zero;
                *out++ = kt_clamp(scaled, c->out_min, c->out_max);
            }
        }
    }
}
