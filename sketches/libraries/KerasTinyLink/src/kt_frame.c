/* Frames: header, payload, CRC-32, stuffed and delimited. */
#include "kt_frame.h"

#include "kt_bytes.h"
#include "kt_crc32.h"

enum { MIN_FRAME_BYTES = KT_FRAME_HEADER_BYTES + KT_FRAME_CRC_BYTES };

static const uint8_t delimiter = 0;

static void begin_stretch(kt_frame_reader *reader)
{
    kt_cobs_begin(&reader->decoder);
    reader->count = 0;
    reader->empty = true;
}

void kt_frame_reader_init(kt_frame_reader *reader)
{
    begin_stretch(reader);
}

static bool parse(const kt_frame_reader *reader, kt_frame *frame)
{
    const uint8_t *const bytes = reader->bytes;
    if (!kt_cobs_is_whole(&reader->decoder) || reader->count < MIN_FRAME_BYTES || reader->count > sizeof reader->bytes) {
        return false;
    }
    const size_t covered = (size_t)reader->count - KT_FRAME_CRC_BYTES;
    if (kt_crc32(0, bytes, covered) != kt_get_u32le(bytes + covered)) {
        return false;
    }
    frame->type = bytes[0] & 0x1F;
    frame->version = bytes[0] >> 5;
    frame->seq = kt_get_u16le(bytes + 2);
    frame->session = kt_get_u16le(bytes + 4);
    frame->payload_bytes = kt_get_u16le(bytes + 6);
    frame->payload = bytes + KT_FRAME_HEADER_BYTES;
    return frame->payload_bytes == reader->count - MIN_FRAME_BYTES;
}

kt_frame_event kt_frame_read(kt_frame_reader *reader, uint8_t byte, kt_frame *frame)
{
    if (byte != delimiter) {
        uint8_t decoded;
        reader->empty = false;
        if (kt_cobs_decode(&reader->decoder, byte, &decoded) > 0 && reader->count <= sizeof reader->bytes) {
            if (reader->count < sizeof reader->bytes) {
                reader->bytes[reader->count] = decoded;
            }
            ++reader->count;
        }
        return KT_FRAME_NONE;
    }
    kt_frame_event event = KT_FRAME_NONE;
    if (!reader->empty) {
        event = parse(reader, frame) ? KT_FRAME_INTACT : KT_FRAME_DAMAGED;
    }
    begin_stretch(reader);
    return event;
}

void kt_frame_writer_init(kt_frame_writer *writer, void (*write)(void *, const uint8_t *, size_t), void *context)
{
    writer->encoder.count = 0;
    writer->encoder.write = write;
    writer->encoder.context = context;
    writer->crc = 0;
}

void kt_frame_begin(kt_frame_writer *writer, const kt_frame *frame)
{
    uint8_t header[KT_FRAME_HEADER_BYTES];
    uint8_t *end = kt_put_u8(header, (uint32_t)frame->version << 5 | frame->type);
    end = kt_put_u8(end, 0); /* flags */
    end = kt_put_u16le(end, frame->seq);
    end = kt_put_u16le(end, frame->session);
    kt_put_u16le(end, frame->payload_bytes);
    writer->encoder.write(writer->encoder.context, &delimiter, 1);
    writer->crc = 0;
    kt_frame_put(writer, header, sizeof header);
}

void kt_frame_put(kt_frame_writer *writer, const void *bytes, size_t count)
{
    writer->crc = kt_crc32(writer->crc, bytes, count);
    kt_cobs_encode(&writer->encoder, bytes, count);
}

void kt_frame_end(kt_frame_writer *writer)
{
    uint8_t crc[KT_FRAME_CRC_BYTES];
    kt_put_u32le(crc, writer->crc);
    kt_cobs_encode(&writer->encoder, crc, sizeof crc);
    kt_cobs_end(&writer->encoder);
    writer->encoder.write(writer->encoder.context, &delimiter, 1);
}
