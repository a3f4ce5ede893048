/* Frames on the wire: 0x00, COBS(header, payload, CRC-32), 0x00 (docs/reference/protocol.md, "Frames").
 *
 * Reading: give every byte that arrives to kt_frame_read until it says KT_FRAME_INTACT; the frame then lies in the
 *   reader until the next byte. Writing: begin with the payload's length, put it piece by piece, end.
 * Nothing blocks but the `write` that the encoder was given. */
#ifndef KT_FRAME_H
#define KT_FRAME_H

#include "kt_cobs.h"

#ifdef __cplusplus
extern "C" {
#endif

#define KT_LINK_VERSION 1
#define KT_FRAME_HEADER_BYTES 8
#define KT_FRAME_CRC_BYTES 4
#define KT_MIN_PAYLOAD_BYTES 64 /* every peer takes payloads this long */

/* Payload bytes of the longest frame: a multiple of 4, 64 to 2048. RAM of the link grows by as much. */
#ifndef KT_LINK_MAX_PAYLOAD
#define KT_LINK_MAX_PAYLOAD 768
#endif

typedef struct {
    const uint8_t *payload; /* inside the reader */
    uint16_t payload_bytes;
    uint16_t seq;
    uint16_t session;
    uint8_t type;
    uint8_t version;
} kt_frame;

typedef enum {
    KT_FRAME_NONE,    /* nothing is complete yet */
    KT_FRAME_INTACT,  /* *frame is what arrived */
    KT_FRAME_DAMAGED, /* what ended here was not a frame */
} kt_frame_event;

typedef struct {
    kt_cobs_decoder decoder;
    uint16_t count; /* decoded bytes; more than fit are counted up to one */
    bool empty;     /* no byte since the delimiter */
    uint8_t bytes[KT_FRAME_HEADER_BYTES + KT_LINK_MAX_PAYLOAD + KT_FRAME_CRC_BYTES];
} kt_frame_reader;

void kt_frame_reader_init(kt_frame_reader *reader);

/* Takes one byte off the wire. */
kt_frame_event kt_frame_read(kt_frame_reader *reader, uint8_t byte, kt_frame *frame);

typedef struct {
    kt_cobs_encoder encoder;
    uint32_t crc;
} kt_frame_writer;

/* `write` gets all bytes for the wire, in blocks of at most 255. */
void kt_frame_writer_init(kt_frame_writer *writer, void (*write)(void *, const uint8_t *, size_t), void *context);

/* Begins a frame; frame->payload is not read. Exactly frame->payload_bytes must be put before the end. */
void kt_frame_begin(kt_frame_writer *writer, const kt_frame *frame);
void kt_frame_put(kt_frame_writer *writer, const void *bytes, size_t count);
void kt_frame_end(kt_frame_writer *writer);

#ifdef __cplusplus
}
#endif

#endif
