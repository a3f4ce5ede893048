/* Consistent Overhead Byte Stuffing, byte by byte (Cheshire and Baker, IEEE/ACM ToN 7(2), 1999).
 *
 * Both directions work on streams: the decoder needs three bytes of state beside the caller's buffer, the encoder
 * one block of 255 bytes. Neither blocks or allocates. */
#ifndef KT_COBS_H
#define KT_COBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KT_COBS_BLOCK 254 /* bytes between two code bytes at most */

typedef struct {
    uint8_t left; /* bytes of this block still to come */
    uint8_t code; /* of this block; 255 before the first: no zero is due */
} kt_cobs_decoder;

/* Before the first byte of a stretch. */
void kt_cobs_begin(kt_cobs_decoder *decoder);

/* Takes a byte, which is not 0. Returns the number of bytes it decodes to, 0 or 1, the byte in *decoded. */
int kt_cobs_decode(kt_cobs_decoder *decoder, uint8_t byte, uint8_t *decoded);

/* Whether a stretch may end here. */
bool kt_cobs_is_whole(const kt_cobs_decoder *decoder);

typedef struct {
    uint8_t block[1 + KT_COBS_BLOCK]; /* code byte, then data */
    uint8_t count;                    /* data bytes in it */
    void (*write)(void *context, const uint8_t *bytes, size_t count);
    void *context;
} kt_cobs_encoder;

/* Encodes bytes; whole blocks go to `write`. */
void kt_cobs_encode(kt_cobs_encoder *encoder, const uint8_t *bytes, size_t count);

/* Writes the last block. What comes next begins a new stretch; the delimiter between is the caller's. */
void kt_cobs_end(kt_cobs_encoder *encoder);

#ifdef __cplusplus
}
#endif

#endif
