/* Multiplication with broadcasting. */
#include "kt_elementwise.h"
#include "kt_math.h"

static int8_t multiply(const kt_binary *c, int32_t a, int32_t b)
{
    const int32_t product = (a - c->zero_1) * (b - c->zero_2);
    return kt_clamp(kt_rescale(product, c->multiplier_out, c->shift_out) + c->zero_out, c->out_min, c->out_max);
}

void kt_mul_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_binary *const c = op;
    (void)scratch;
    for (int32_t i = 0; i < c->shape[0]; ++i) {
        for (int32_t j = 0; j < c->shape[1]; ++j) {
            for (int32_t k = 0; k < c->shape[2]; ++k) {
                const int8_t *a = rows[0] + i * c->strides_1[0] + j * c->strides_1[1] + k * c->strides_1[2];
                const int8_t *b = rows[1] + i * c->strides_2[0] + j * c->strides_2[1] + k * c->strides_2[2];
                for (int32_t n = 0; n < c->shape[3]; ++n) {
                    *out++ = multiply(c, *a, *b);
                    a += c->strides_1[3];
                    b += c->strides_2[3];
                }
            }
        }
    }
}
