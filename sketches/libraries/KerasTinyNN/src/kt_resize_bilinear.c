/* Bilinear resize in integers of 1/1024 per axis; halves away from zero. */
#include "kt_shape.h"

static int32_t blend(const int8_t *const *corner, const kt_between *v, const kt_between *h, int32_t channel)
{
    const int32_t top = corner[0][channel] * (1024 - h->weight) + corner[1][channel] * h->weight;
    const int32_t bottom = corner[2][channel] * (1024 - h->weight) + corner[3][channel] * h->weight;
    const int32_t sum = top * (1024 - v->weight) + bottom * v->weight;
    return (sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20);
}

void kt_resize_bilinear_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_bilinear *const c = op;
    const int32_t row_bytes = c->in_width * c->channels;
    (void)scratch;
    for (int32_t y = 0; y < c->out_height; ++y) {
        const kt_between *const v = &c->rows[y];
        for (int32_t x = 0; x < c->out_width; ++x) {
            const kt_between *const h = &c->columns[x];
            const int8_t *const corner[4] = {
                rows[0] + v->lower * row_bytes + h->lower * c->channels,
                rows[0] + v->lower * row_bytes + h->upper * c->channels,
                rows[0] + v->upper * row_bytes + h->lower * c->channels,
                rows[0] + v->upper * row_bytes + h->upper * c->channels,
            };
            for (int32_t channel = 0; channel < c->channels; ++channel) {
                *out++ = (int8_t)blend(corner, v, h, channel);
            }
        }
    }
}
