/* Addition of two tensors of one shape. */
#include "kt_elementwise.h"
#include "kt_math.h"

void kt_add_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_add *const c = op;
    (void)scratch;
    for (int32_t i = 0; i < c->count; ++i) {
        const int32_t a = kt_rescale((rows[0][i] - c->zero_1) * (1 << 20), c->multiplier_1, c->shift_1);
        const int32_t b = kt_rescale((rows[1][i] - c->zero_2) * (1 << 20), c->multiplier_2, c->shift_2);
        const int32_t sum = kt_rescale(a + b, c->multiplier_out, c->shift_out) + c->zero_out;
        out[i] = kt_clamp(sum, c->out_min, c->out_max);
    }
}
