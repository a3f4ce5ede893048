/* Depthwise convolution in portable C. */
#include "kt_depthwise.h"
#include "kt_math.h"

/* Window columns first..end-1 of an output column lie inside the input. */
typedef struct {
    int32_t left;
    int32_t first;
    int32_t end;
} kt_span;

static kt_span span_of(const kt_depthwise *c, int32_t x)
{
    kt_span span = {x * c->stride_w - c->pad_left, 0, c->window_w};
    while (span.first < span.end && span.left + span.first * c->dilation_w < 0) {
        ++span.first;
    }
    while (span.end > span.first && span.left + (span.end - 1) * c->dilation_w >= c->in_width) {
        --span.end;
    }
    return span;
}

static int32_t accumulate(const kt_depthwise *c, const int8_t *const *rows, kt_span span, int32_t channel, int32_t o)
{
    const int32_t out_channels = c->in_channels * c->depth_multiplier;
    const int32_t step = c->dilation_w * c->in_channels;
    const int32_t first = (span.left + span.first * c->dilation_w) * c->in_channels + channel;
    const int32_t zero = c->in_zero;
    int32_t acc = c->bias[o];
    for (int32_t ky = 0; ky < c->window_h; ++ky) {
        if (rows[ky] == NULL) {
            continue;
        }
        const int8_t *weights = c->weights + (ky * c->window_w + span.first) * out_channels + o;
        const int8_t *values = rows[ky] + first;
        for (int32_t kx = span.first; kx < span.end; ++kx) {
            acc += *weights * (*values - zero);
            weights += out_channels;
            values += step;
        }
    }
    return acc;
}

void kt_depthwise_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_depthwise *const c = op;
    (void)scratch;
    for (int32_t x = 0; x < c->out_width; ++x) {
        const kt_span span = span_of(c, x);
        int32_t o = 0;
        for (int32_t channel = 0; channel < c->in_channels; ++channel) {
            for (int32_t m = 0; m < c->depth_multiplier; ++m, ++o) {
                const int32_t acc = accumulate(c, rows, span, channel, o);
                const int32_t scaled = kt_rescale(acc, c->multiplier[o], c->shift[o]) + c->out_zero;
                *out++ = kt_clamp(scaled, c->out_min, c->out_max);
            }
        }
    }
}
