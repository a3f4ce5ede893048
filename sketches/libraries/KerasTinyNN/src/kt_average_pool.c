/* Average pooling. */
#include "kt_math.h"
#include "kt_pool.h"

void kt_average_pool_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_pool *const c = op;
    (void)scratch;
    for (int32_t x = 0; x < c->out_width; ++x) {
        const int32_t left = x * c->stride_w - c->pad_left;
        const int32_t first = left < 0 ? 0 : left;
        const int32_t end = left + c->window_w < c->in_width ? left + c->window_w : c->in_width;
        for (int32_t channel = 0; channel < c->channels; ++channel) {
            int32_t sum = 0;
            int32_t count = 0;
            for (int32_t ky = 0; ky < c->window_h; ++ky) {
                for (int32_t column = first; rows[ky] != NULL && column < end; ++column) {
                    sum += rows[ky][column * c->channels + channel];
                    ++count;
                }
            }
            const int32_t half = sum > 0 ? count / 2 : -(count / 2);
            *out++ = kt_clamp((sum + half) / count, c->out_min, c->out_max);
        }
    }
}
