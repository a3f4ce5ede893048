/* Max pooling. */
#include "kt_math.h"
#include "kt_pool.h"

void kt_max_pool_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_pool *const c = op;
    (void)scratch;
    for (int32_t x = 0; x < c->out_width; ++x) {
        const int32_t left = x * c->stride_w - c->pad_left;
        const int32_t first = left < 0 ? 0 : left;
        const int32_t end = left + c->window_w < c->in_width ? left + c->window_w : c->in_width;
        for (int32_t channel = 0; channel < c->channels; ++channel) {
            int32_t best = INT8_MIN;
            for (int32_t ky = 0; ky < c->window_h; ++ky) {
                for (int32_t column = first; rows[ky] != NULL && column < end; ++column) {
                    const int32_t value = rows[ky][column * c->channels + channel];
                    best = value > best ? value : best;
                }
            }
            *out++ = kt_clamp(best, c->out_min, c->out_max);
        }
    }
}
