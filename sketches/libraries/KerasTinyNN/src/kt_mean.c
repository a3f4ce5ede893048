/* Mean over neighbouring axes. */
#include "kt_math.h"
#include "kt_reduce.h"

void kt_mean_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_mean *const c = op;
    (void)scratch;
    for (int32_t i = 0; i < c->outer; ++i) {
        for (int32_t j = 0; j < c->inner; ++j) {
            const int8_t *in = rows[0] + i * c->count * c->inner + j;
            int32_t sum = -c->sum_of_zeros;
            for (int32_t k = 0; k < c->count; ++k) {
                sum += *in;
                in += c->inner;
            }
            *out++ = kt_clamp(kt_rescale(sum, c->multiplier, c->shift) + c->out_zero, INT8_MIN, INT8_MAX);
        }
    }
}
