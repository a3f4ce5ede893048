/* The frames that a device sends. Used by kt_link.c and kt_request.c. */
#ifndef KT_SEND_H
#define KT_SEND_H

#include "kt_link.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KT_NO_COUNT UINT64_MAX /* in RESULT: this device does not count instructions */

/* An object on the wire: pieces of memory, one after another. */
typedef struct {
    const kt_bytes *pieces;
    uint16_t count;
    kt_bytes single; /* where the object is one piece that no table lists */
} kt_object_bytes;

kt_object_bytes kt_object_of(const kt_link *link, uint16_t object);
uint32_t kt_object_size(const kt_object_bytes *object);
uint32_t kt_object_crc32(const kt_object_bytes *object);

/* Instructions executed in `ticks`, or KT_NO_COUNT. */
uint64_t kt_instructions(const kt_link_clock *clock, uint64_t ticks);

/* How far DATA may run ahead of what was confirmed. */
uint32_t kt_window_bytes(const kt_link *link);

void kt_send_init(kt_link *link);
/* A frame of at most 65535 bytes that lie somewhere; `bytes` may be NULL if there are none. */
void kt_send_bytes(kt_link *link, uint8_t type, const uint8_t *bytes, size_t count);
void kt_send_hello_ack(kt_link *link, uint32_t features);

/* ACK or NAK with what has arrived of an input. */
void kt_send_progress(kt_link *link, uint8_t type, const kt_arrival *arrival, uint16_t input, uint16_t reason);

/* RESULT with as many bytes of the result as fit, or with none; returns how many. */
uint32_t kt_send_result(kt_link *link, bool without_bytes);

/* CHUNKs with the bytes of an object from `offset` on, at most `length`. */
void kt_send_chunks(kt_link *link, uint16_t request, uint16_t object, uint32_t offset, uint32_t length);

/* ERROR. */
void kt_refuse(kt_link *link, uint8_t error_class, uint8_t code, uint32_t arg, const char *text);
void kt_refuse_version(kt_link *link);

#ifdef __cplusplus
}
#endif

#endif
