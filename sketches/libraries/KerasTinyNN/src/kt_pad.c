/* Constant padding. */
#include "kt_math.h"
#include "kt_shape.h"

static int inside(const kt_pad *c, int axis, int32_t i)
{
    return i >= c->before[axis] && i < c->before[axis] + c->inside[axis];
}

void kt_pad_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_pad *const c = op;
    const int8_t *in = rows[0];
    (void)scratch;
    for (int32_t i = 0; i < c->shape[0]; ++i) {
        for (int32_t j = 0; j < c->shape[1]; ++j) {
            for (int32_t k = 0; k < c->shape[2]; ++k) {
                int8_t *const row = out;
                while (out < row + c->shape[3]) {
                    *out++ = (int8_t)c->value;
                }
                if (inside(c, 0, i) && inside(c, 1, j) && inside(c, 2, k)) {
                    (void)kt_copy(row + c->before[3], in, c->inside[3]);
                    in += c->inside[3];
                }
            }
        }
    }
}
