/* Masks of 1, 2 or 4 bits per pixel. */
#include "kt_mask.h"

static int is_packable(unsigned bits)
{
    return bits == 1U || bits == 2U || bits == 4U;
}

size_t kt_mask_packed_bytes(size_t pixels, unsigned bits)
{
    const size_t per_byte = 8U / bits;
    return pixels / per_byte + (pixels % per_byte != 0U ? 1U : 0U);
}

int kt_mask_pack(const uint8_t *mask, size_t pixels, unsigned bits, uint8_t *packed, size_t capacity)
{
    if (!is_packable(bits)) {
        return KT_MASK_ERR_BITS;
    }
    const size_t bytes = kt_mask_packed_bytes(pixels, bits);
    if (bytes > capacity) {
        return KT_MASK_ERR_SPACE;
    }
    const size_t per_byte = 8U / bits;
    for (size_t i = 0; i < bytes; ++i) {
        /* Every pixel of a byte is read before the byte is written, so that the two may be one buffer. */
        unsigned byte = 0;
        for (size_t k = 0; k < per_byte && i * per_byte + k < pixels; ++k) {
            const unsigned value = mask[i * per_byte + k];
            if (value >> bits != 0U) {
                return KT_MASK_ERR_CLASS;
            }
            byte |= value << (k * bits);
        }
        packed[i] = (uint8_t)byte;
    }
    return (int)bytes;
}

int kt_mask_unpack(const uint8_t *packed, size_t bytes, unsigned bits, uint8_t *mask, size_t pixels)
{
    if (!is_packable(bits)) {
        return KT_MASK_ERR_BITS;
    }
    if (bytes != kt_mask_packed_bytes(pixels, bits)) {
        return KT_MASK_ERR_BYTES;
    }
    const size_t per_byte = 8U / bits;
    for (size_t i = 0; i < pixels; ++i) {
        mask[i] = (uint8_t)((unsigned)packed[i / per_byte] >> (i % per_byte * bits) & ((1U << bits) - 1U));
    }
    const size_t used = pixels % per_byte;
    return used != 0U && (unsigned)packed[bytes - 1U] >> (used * bits) != 0U ? KT_MASK_ERR_BYTES : 0;
}
