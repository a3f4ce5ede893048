/* Nearest-neighbour resize; the compiler computes which row and column each output takes. */
#include "kt_math.h"
#include "kt_shape.h"

void kt_resize_nearest_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_nearest *const c = op;
    (void)scratch;
    for (int32_t y = 0; y < c->out_height; ++y) {
        const int8_t *const row = rows[0] + c->row_of[y] * c->in_width * c->channels;
        for (int32_t x = 0; x < c->out_width; ++x) {
            out = kt_copy(out, row + c->column_of[x] * c->channels, c->channels);
        }
    }
}
