/* Blocks of pixels become channels. */
#include "kt_math.h"
#include "kt_shape.h"

void kt_space_to_depth_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_block *const c = op;
    (void)scratch;
    for (int32_t y = 0; y < c->in_height; y += c->block) {
        for (int32_t x = 0; x < c->in_width; x += c->block) {
            for (int32_t dy = 0; dy < c->block; ++dy) {
                const int8_t *const from = rows[0] + ((y + dy) * c->in_width + x) * c->in_channels;
                out = kt_copy(out, from, c->block * c->in_channels);
            }
        }
    }
}
