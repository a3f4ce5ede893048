/* Concatenation. */
#include "kt_math.h"
#include "kt_shape.h"

void kt_concat_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_concat *const c = op;
    (void)scratch;
    for (int32_t i = 0; i < c->outer; ++i) {
        for (int32_t p = 0; p < c->part_count; ++p) {
            const kt_concat_part *const part = &c->parts[p];
            const int8_t *const in = part->constant != NULL ? part->constant : rows[0] + part->offset;
            out = kt_copy(out, in + i * part->bytes, part->bytes);
        }
    }
}
