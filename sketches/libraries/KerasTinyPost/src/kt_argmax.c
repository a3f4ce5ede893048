/* The class with the largest score per pixel. */
#include "kt_mask.h"

void kt_argmax(const int8_t *scores, size_t pixels, size_t channels, uint8_t *mask)
{
    for (size_t i = 0; i < pixels; ++i, scores += channels) {
        size_t best = 0;
        for (size_t c = 1; c < channels; ++c) {
            if (scores[c] > scores[best]) {
                best = c;
            }
        }
        mask[i] = (uint8_t)best;
    }
}
