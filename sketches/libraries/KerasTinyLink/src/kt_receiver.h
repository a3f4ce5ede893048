/* Puts chunks of one input tensor in their places and knows which are there: an offset and 32 bits, as on the wire. */
#ifndef KT_RECEIVER_H
#define KT_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KT_SACK_CHUNKS 32

typedef struct {
    uint32_t next_offset; /* every byte before it is here */
    uint32_t sack;        /* bit i: the chunk at next_offset + (i + 1) * chunk_bytes is here */
} kt_receiver;

typedef enum {
    KT_CHUNK_IN_ORDER, /* the one that comes next, with nothing missing before or behind it */
    KT_CHUNK_OTHER,    /* taken or known already, or too far ahead */
    KT_CHUNK_BAD_OFFSET,
    KT_CHUNK_BAD_LENGTH,
} kt_chunk;

/* Takes in `count` bytes at `offset` of a tensor of `size` bytes at `tensor`; all chunks but the last have
 * `chunk_bytes`. Bytes are copied only where no chunk was yet. */
kt_chunk kt_receiver_put(kt_receiver *receiver, int8_t *tensor, uint32_t size, uint32_t chunk_bytes, uint32_t offset,
                         const uint8_t *bytes, uint32_t count);

#ifdef __cplusplus
}
#endif

#endif
