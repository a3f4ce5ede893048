/* Little-endian integers in byte buffers, whatever the processor's own order and alignment. */
#ifndef KT_BYTES_H
#define KT_BYTES_H

#include <stdint.h>

static inline uint16_t kt_get_u16le(const uint8_t *from)
{
    return (uint16_t)(from[0] | from[1] << 8);
}

static inline uint32_t kt_get_u32le(const uint8_t *from)
{
    return kt_get_u16le(from) | (uint32_t)kt_get_u16le(from + 2) << 16;
}

static inline uint8_t *kt_put_u8(uint8_t *to, uint32_t value)
{
    *to = (uint8_t)value;
    return to + 1;
}

static inline uint8_t *kt_put_u16le(uint8_t *to, uint32_t value)
{
    return kt_put_u8(kt_put_u8(to, value), value >> 8);
}

static inline uint8_t *kt_put_u32le(uint8_t *to, uint32_t value)
{
    return kt_put_u16le(kt_put_u16le(to, value), value >> 16);
}

static inline uint8_t *kt_put_u64le(uint8_t *to, uint64_t value)
{
    return kt_put_u32le(kt_put_u32le(to, (uint32_t)value), (uint32_t)(value >> 32));
}

#endif
