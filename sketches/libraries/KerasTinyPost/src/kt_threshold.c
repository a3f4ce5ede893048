/* Foreground or not, for networks with one output channel. */
#include "kt_mask.h"

void kt_threshold(const int8_t *scores, size_t pixels, int above, uint8_t *mask)
{
    for (size_t i = 0; i < pixels; ++i) {
        mask[i] = scores[i] > above ? 1U : 0U;
    }
}
