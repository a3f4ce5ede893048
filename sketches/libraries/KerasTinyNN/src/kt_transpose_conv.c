/* Transposed convolution in portable C. */
#include "kt_transpose_conv.h"
#include "kt_math.h"

/* Window cells that reach an output position: `first`, then every `stride`-th, each from one input cell before. */
typedef struct {
    int32_t first; /* window cell */
    int32_t input; /* the input cell that it reads */
} kt_reach;

static kt_reach reach_of(int32_t position, int32_t stride, int32_t size)
{
    kt_reach reach = {position % stride, position / stride};
    while (reach.input >= size) {
        --reach.input;
        reach.first += stride;
    }
    return reach;
}

static int32_t accumulate(const kt_transpose_conv *c, const int8_t *in, kt_reach vertical, kt_reach horizontal, int32_t o)
{
    const int8_t *const filter = c->weights + o * c->window_h * c->window_w * c->in_channels;
    int32_t acc = c->bias[o];
    int32_t row = vertical.input;
    for (int32_t ky = vertical.first; ky < c->window_h && row >= 0; ky += c->stride_h, --row) {
        int32_t column = horizontal.input;
        for (int32_t kx = horizontal.first; kx < c->window_w && column >= 0; kx += c->stride_w, --column) {
            const int8_t *const weights = filter + (ky * c->window_w + kx) * c->in_channels;
            const int8_t *const values = in + (row * c->in_width + column) * c->in_channels;
            for (int32_t i = 0; i < c->in_channels; ++i) {
                acc += weights[i] * (values[i] - c->in_zero);
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
        const kt_reach vertical = reach_of(y + c->pad_top, c->stride_h, c->in_height);
        for (int32_t x = 0; x < c->out_width; ++x) {
            const kt_reach horizontal = reach_of(x + c->pad_left, c->stride_w, c->in_width);
            for (int32_t o = 0; o < c->out_channels; ++o) {
                const int32_t acc = accumulate(c, rows[0], vertical, horizontal, o);
                const int32_t scaled = kt_rescale(acc, c->multiplier[o], c->shift[o]) + c->out_zero;
                *out++ = kt_clamp(scaled, c->out_min, c->out_max);
            }
        }
    }
}
