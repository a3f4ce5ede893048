/* Masks as runs of pixels of one class. */
#include "kt_mask.h"

enum { LONG_RUN = 15, MOST_CLASSES = 16 };

typedef struct {
    uint8_t *bytes;
    size_t capacity;
    size_t count; /* beyond capacity: there was no space */
} writer;

static void put(writer *to, size_t byte)
{
    if (to->count < to->capacity) {
        to->bytes[to->count] = (uint8_t)byte;
    }
    ++to->count;
}

static void put_run(writer *to, unsigned value, size_t length)
{
    if (length <= LONG_RUN) {
        put(to, value | (length - 1U) << 4);
        return;
    }
    put(to, value | (size_t)LONG_RUN << 4);
    size_t rest = length - LONG_RUN - 1U;
    for (; rest >= 0x80U; rest >>= 7) {
        put(to, (rest & 0x7FU) | 0x80U);
    }
    put(to, rest);
}

int kt_mask_encode_runs(const uint8_t *mask, size_t pixels, uint8_t *runs, size_t capacity)
{
    writer to = {runs, capacity, 0};
    size_t start = 0;
    for (size_t i = 0; i < pixels; ++i) {
        if (mask[i] >= MOST_CLASSES) {
            return KT_MASK_ERR_CLASS;
        }
        if (i + 1U == pixels || mask[i + 1U] != mask[i]) {
            put_run(&to, mask[i], i + 1U - start);
            start = i + 1U;
        }
    }
    return to.count > capacity ? KT_MASK_ERR_SPACE : (int)to.count;
}

int kt_mask_decode_runs(const uint8_t *runs, size_t bytes, uint8_t *mask, size_t pixels)
{
    size_t at = 0;
    size_t done = 0;
    while (at < bytes) {
        const unsigned token = runs[at++];
        uint64_t length = (token >> 4) + 1U;
        if (token >> 4 == LONG_RUN) {
            uint64_t rest = 0;
            unsigned shift = 0;
            unsigned byte = 0x80U;
            for (; byte >= 0x80U; shift += 7U) {
                if (at == bytes || shift > 28U) {
                    return KT_MASK_ERR_BYTES;
                }
                byte = runs[at++];
                rest |= (uint64_t)(byte & 0x7FU) << shift;
            }
            length = rest + LONG_RUN + 1U;
        }
        if (length > pixels - done) {
            return KT_MASK_ERR_BYTES;
        }
        for (const size_t end = done + (size_t)length; done < end; ++done) {
            mask[done] = (uint8_t)(token & 0x0FU);
        }
    }
    return done == pixels ? 0 : KT_MASK_ERR_BYTES;
}
