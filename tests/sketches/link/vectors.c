/* Feeds KerasTinyLink what tests/vectors/protocol.json holds: a line of hexadecimal in, a line of hexadecimal out.
 *
 *   crc32 BYTES        its CRC-32
 *   encode BYTES       COBS
 *   decode BYTES       COBS back; "-" if it cannot be
 *   frame BYTES        every frame in them: type version seq session payload; "-" for a damaged stretch
 *   write TYPE VERSION SEQ SESSION PAYLOAD     the frame's bytes on the wire */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kt_crc32.h"
#include "kt_frame.h"

enum { LONGEST = 1 << 16 };

static uint8_t bytes[LONGEST];

static void print_hex(void *context, const uint8_t *data, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; ++i) {
        printf("%02x", data[i]);
    }
}

/* "." stands for no bytes. */
static size_t parse_hex(const char *text)
{
    size_t count = 0;
    for (; text[0] != '\0' && text[0] != '.'; text += 2) {
        const char digits[3] = {text[0], text[1], '\0'};
        bytes[count++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return count;
}

static void encode(size_t count)
{
    kt_cobs_encoder encoder = {.write = print_hex};
    kt_cobs_encode(&encoder, bytes, count);
    kt_cobs_end(&encoder);
}

static void decode(size_t count)
{
    static uint8_t decoded[LONGEST];
    size_t length = 0;
    kt_cobs_decoder decoder;
    kt_cobs_begin(&decoder);
    for (size_t i = 0; i < count; ++i) {
        if (bytes[i] == 0) {
            printf("-");
            return;
        }
        length += (size_t)kt_cobs_decode(&decoder, bytes[i], decoded + length);
    }
    if (count == 0 || !kt_cobs_is_whole(&decoder)) {
        printf("-");
        return;
    }
    print_hex(NULL, decoded, length);
}

static void read_frames(size_t count)
{
    static kt_frame_reader reader;
    kt_frame_reader_init(&reader);
    for (size_t i = 0; i < count; ++i) {
        kt_frame frame;
        const kt_frame_event event = kt_frame_read(&reader, bytes[i], &frame);
        if (event == KT_FRAME_DAMAGED) {
            printf("- ");
        } else if (event == KT_FRAME_INTACT) {
            printf("%d %d %d %d .", frame.type, frame.version, frame.seq, frame.session);
            print_hex(NULL, frame.payload, frame.payload_bytes);
            printf(" ");
        }
    }
}

static void write_frame(const kt_frame *header, size_t count)
{
    kt_frame_writer writer;
    kt_frame frame = *header;
    frame.payload_bytes = (uint16_t)count;
    kt_frame_writer_init(&writer, print_hex, NULL);
    kt_frame_begin(&writer, &frame);
    kt_frame_put(&writer, bytes, count / 3); /* in pieces, as the device does */
    kt_frame_put(&writer, bytes + count / 3, count - count / 3);
    kt_frame_end(&writer);
}

int main(void)
{
    static char what[16];
    static char text[2 * LONGEST + 2];
    while (scanf("%15s", what) == 1) {
        int type = 0;
        int version = 0;
        int seq = 0;
        int session = 0;
        if (strcmp(what, "write") == 0 && scanf("%d %d %d %d", &type, &version, &seq, &session) != 4) {
            return 2;
        }
        if (scanf("%131073s", text) != 1) {
            return 2;
        }
        const size_t count = parse_hex(text);
        if (strcmp(what, "crc32") == 0) {
            printf("%lu", (unsigned long)kt_crc32(0, bytes, count));
        } else if (strcmp(what, "encode") == 0) {
            encode(count);
        } else if (strcmp(what, "decode") == 0) {
            decode(count);
        } else if (strcmp(what, "frame") == 0) {
            read_frames(count);
        } else {
            const kt_frame frame = {
                .type = (uint8_t)type,
                .version = (uint8_t)version,
                .seq = (uint16_t)seq,
                .session = (uint16_t)session,
            };
            write_frame(&frame, count);
        }
        printf("\n");
    }
    return 0;
}
