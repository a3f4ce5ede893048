/* Addition with broadcasting. */
#include "kt_elementwise.h"
#include "kt_math.h"

static int8_t add(const kt_binary *c, int32_t a, int32_t b)
{
    const int32_t scaled_a = kt_rescale((a - c->zero_1) * (1 << 20), c->multiplier_1, c->shift_1);
    const int32_t scaled_b = kt_rescale((b - c->zero_2) * (1 << 20), c->multiplier_2, c->shift_2);
    const int32_t sum = kt_rescale(scaled_a + scaled_b, c->multiplier_out, c->shift_out) + c->zero_out;
    return kt_clamp(sum, c->out_min, c->out_max);
}

void kt_add_broadcast_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_binary *const c = op;
    (void)scratch;
    for (int32_t i = 0; i < c->shape[0]; ++i) {
        for (int32_t j = 0; j < c->shape[1]; ++j) {
            for (int32_t k = 0; k < c->shape[2]; ++k) {
                const int8_t *a = rows[0] + i * c->strides_1[0] + j * c->strides_1[1] + k * c->strides_1[2];
                const int8_t *b = rows[1] + i * c->strides_2[0] + j * c->strides_2[1] + k * c->strides_2[2];
                for (int32_t n = 0; n < c->shape[3]; ++n) {
                    *out++ = add(c, *a, *b);
                    a += c->strides_1[3];
                    b += c->strides_2[3];
                }
            }
        }
    }
}
