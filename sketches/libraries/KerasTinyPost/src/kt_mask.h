/* From a segmenter's int8 output to a mask, and a mask in few bytes.
 *
 * All functions work on the caller's memory, allocate nothing, keep nothing, do not block. Pixels are in the order of
 * the tensor, row by row. A mask has one byte per pixel, its class; packed and runs hold classes 0 to 15.
 *
 *     kt_argmax(model_output, 96 * 96, 11, mask);
 *     int bytes = kt_mask_encode_runs(mask, 96 * 96, wire, sizeof wire);
 */
#ifndef KT_MASK_H
#define KT_MASK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    KT_MASK_ERR_SPACE = -1, /* the output buffer is too small */
    KT_MASK_ERR_CLASS = -2, /* a class that does not fit */
    KT_MASK_ERR_BYTES = -3, /* bytes that are no mask of that many pixels */
    KT_MASK_ERR_BITS = -4   /* bits per pixel other than 1, 2 and 4 */
};

/* mask[i] = the channel with the largest score of pixel i, the lowest of equal ones.
 * scores: pixels x channels, 1 to 256 channels. Needs no scale: all channels share one. May work in place. */
void kt_argmax(const int8_t *scores, size_t pixels, size_t channels, uint8_t *mask);

/* mask[i] = 1 where scores[i] > above, else 0. above is -129 (all pass) to 127 (none does). May work in place. */
void kt_threshold(const int8_t *scores, size_t pixels, int above, uint8_t *mask);

/* Bytes of a packed mask: pixels * bits / 8, rounded up. bits: 1, 2 or 4. */
size_t kt_mask_packed_bytes(size_t pixels, unsigned bits);

/* Pixel 0 goes to the lowest bits of packed[0]; spare bits of the last byte are zero. May work in place
 * (packed == mask). Returns the number of bytes, or KT_MASK_ERR_BITS, _SPACE, _CLASS. */
int kt_mask_pack(const uint8_t *mask, size_t pixels, unsigned bits, uint8_t *packed, size_t capacity);

/* The inverse. Returns 0, or KT_MASK_ERR_BITS, or _BYTES: another number of bytes, or spare bits that are set. */
int kt_mask_unpack(const uint8_t *packed, size_t bytes, unsigned bits, uint8_t *mask, size_t pixels);

/* Runs: one byte per run of 1 to 15 pixels, class in the low four bits, length - 1 in the high four. A longer run has
 * 15 there, then length - 16 as LEB128: seven bits per byte, lowest first, the high bit set in all but the last.
 * Never more bytes than pixels, so that it may work in place. Returns the number of bytes, or KT_MASK_ERR_SPACE, _CLASS. */
int kt_mask_encode_runs(const uint8_t *mask, size_t pixels, uint8_t *runs, size_t capacity);

/* The inverse. Returns 0, or KT_MASK_ERR_BYTES: a length that does not end or has more than 32 bits, more pixels than
 * `pixels`, or fewer. */
int kt_mask_decode_runs(const uint8_t *runs, size_t bytes, uint8_t *mask, size_t pixels);

#ifdef __cplusplus
}
#endif

#endif
