/* Puts chunks in their places. */
#include "kt_receiver.h"

#include <string.h>

kt_chunk kt_receiver_put(kt_receiver *receiver, int8_t *tensor, uint32_t size, uint32_t chunk_bytes, uint32_t offset,
                         const uint8_t *bytes, uint32_t count)
{
    if (offset % chunk_bytes != 0 || offset >= size) {
        return KT_CHUNK_BAD_OFFSET;
    }
    const uint32_t left = size - offset;
    if (count != (left < chunk_bytes ? left : chunk_bytes)) {
        return KT_CHUNK_BAD_LENGTH;
    }
    if (offset < receiver->next_offset) {
        return KT_CHUNK_OTHER;
    }
    const uint32_t ahead = (offset - receiver->next_offset) / chunk_bytes;
    if (ahead > KT_SACK_CHUNKS) {
        return KT_CHUNK_OTHER;
    }
    memcpy(tensor + offset, bytes, count);
    if (ahead > 0) {
        receiver->sack |= UINT32_C(1) << (ahead - 1);
        return KT_CHUNK_OTHER;
    }
    const kt_chunk kind = receiver->sack == 0 ? KT_CHUNK_IN_ORDER : KT_CHUNK_OTHER;
    receiver->next_offset += count;
    while (receiver->sack & 1) {
        receiver->sack >>= 1;
        receiver->next_offset += chunk_bytes;
    }
    receiver->sack >>= 1;
    if (receiver->next_offset > size) {
        receiver->next_offset = size;
    }
    return kind;
}
