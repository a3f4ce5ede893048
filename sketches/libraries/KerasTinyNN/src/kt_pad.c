/* Constant padding. */
#include <string.h>

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
                memset(out, c->value, (size_t)c->shape[3]);
                if (inside(c, 0, i) && inside(c, 1, j) && inside(c, 2, k)) {
                    memcpy(out + c->before[3], in, (size_t)c->inside[3]);
                    in += c->inside[3];
                }
                out += c->shape[3];
            }
        }
    }
}
