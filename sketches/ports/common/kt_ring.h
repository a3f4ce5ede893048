/* Received bytes on their way from an interrupt handler to kt_port_read: one writer, one reader, no locks. */
#ifndef KT_RING_H
#define KT_RING_H

#include "kt_link.h"

/* The window of DATA with its framing, and one more frame: each has a header, a CRC, and up to 1 byte in 254 more. */
#define KT_RING_FRAME_BYTES (KT_LINK_MAX_PAYLOAD + 8 + 4 + 2 + (KT_LINK_MAX_PAYLOAD + 12 + 253) / 254)
#define KT_RING_BYTES (KT_LINK_WINDOW / KT_LINK_CHUNK * KT_RING_FRAME_BYTES + KT_RING_FRAME_BYTES + 1)

typedef struct {
    volatile uint16_t head; /* written by the handler */
    volatile uint16_t tail; /* written by the reader */
    uint8_t bytes[KT_RING_BYTES];
} kt_ring;

static inline uint16_t kt_ring_next(uint16_t index)
{
    return index + 1U < KT_RING_BYTES ? (uint16_t)(index + 1U) : 0;
}

static inline bool kt_ring_is_empty(const kt_ring *ring)
{
    return ring->head == ring->tail;
}

static inline bool kt_ring_is_full(const kt_ring *ring)
{
    return kt_ring_next(ring->head) == ring->tail;
}

/* For the handler; the ring must not be full. */
static inline void kt_ring_put(kt_ring *ring, uint8_t byte)
{
    ring->bytes[ring->head] = byte;
    ring->head = kt_ring_next(ring->head);
}

/* For the reader: takes at most `capacity` bytes, returns how many. */
static inline size_t kt_ring_take(kt_ring *ring, uint8_t *bytes, size_t capacity)
{
    size_t count = 0;
    while (count < capacity && !kt_ring_is_empty(ring)) {
        bytes[count++] = ring->bytes[ring->tail];
        ring->tail = kt_ring_next(ring->tail);
    }
    return count;
}

#endif
