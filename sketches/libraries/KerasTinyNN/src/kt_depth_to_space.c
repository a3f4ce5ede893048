/* Channels become blocks of pixels. */
#include "kt_math.h"
#include "kt_shape.h"

void kt_depth_to_space_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_block *const c = op;
    const int32_t bytes = c->in_channels / c->block; /* block neighbours in a row, channels / block^2 each */
    (void)scratch;
    for (int32_t y = 0; y < c->in_height; ++y) {
        for (int32_t dy = 0; dy < c->block; ++dy) {
            for (int32_t x = 0; x < c->in_width; ++x) {
                out = kt_copy(out, rows[0] + (y * c->in_width + x) * c->in_channels + dy * bytes, bytes);
            }
        }
    }
}
