/* The frame reader under fire, in one process for speed: prints how many frames it took for intact.
 *
 *   fuzz random SEED BYTES      random bytes, with more zeros among them than chance gives
 *   fuzz mutated SEED FRAMES    valid frames with 1 to 3 flipped bits, or a burst of up to 32 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kt_frame.h"

enum { LONGEST_WIRE = 8192 };

static uint64_t state;
static uint8_t wire[LONGEST_WIRE];
static size_t wire_bytes;
static kt_frame_reader reader;

static uint32_t next_random(void)
{
    state ^= state << 13; /* xorshift64, Marsaglia 2003 */
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static void collect(void *context, const uint8_t *bytes, size_t count)
{
    (void)context;
    memcpy(wire + wire_bytes, bytes, count);
    wire_bytes += count;
}

static unsigned long read_all(const uint8_t *bytes, size_t count)
{
    unsigned long intact = 0;
    for (size_t i = 0; i < count; ++i) {
        kt_frame frame;
        intact += kt_frame_read(&reader, bytes[i], &frame) == KT_FRAME_INTACT;
    }
    return intact;
}

static unsigned long feed_random(unsigned long count)
{
    unsigned long intact = 0;
    for (unsigned long i = 0; i < count; ++i) {
        const uint32_t random = next_random();
        const uint8_t byte = (random >> 8) % 64 == 0 ? 0 : (uint8_t)random;
        intact += read_all(&byte, 1);
    }
    return intact;
}

static void make_frame(void)
{
    uint8_t payload[KT_LINK_MAX_PAYLOAD]; /* mostly short ones, for speed */
    const size_t longest = next_random() % 8 == 0 ? sizeof payload : 200;
    const size_t count = next_random() % (longest + 1);
    for (size_t i = 0; i < count; ++i) {
        payload[i] = next_random() % 4 == 0 ? 0 : (uint8_t)next_random();
    }
    kt_frame_writer writer;
    const kt_frame frame = {
        .type = next_random() % 32,
        .version = 1,
        .seq = (uint16_t)next_random(),
        .session = (uint16_t)next_random(),
        .payload_bytes = (uint16_t)count,
    };
    wire_bytes = 0;
    kt_frame_writer_init(&writer, collect, NULL);
    kt_frame_begin(&writer, &frame);
    kt_frame_put(&writer, payload, count);
    kt_frame_end(&writer);
}

static void flip(size_t bit)
{
    wire[bit / 8] ^= (uint8_t)(1U << bit % 8);
}

/* Between the delimiters. */
static void mutate(void)
{
    const size_t bits = 8 * (wire_bytes - 2);
    const size_t first = next_random() % bits;
    if (next_random() % 2 == 0) {
        flip(8 + first);
        for (uint32_t more = next_random() % 3; more > 0; --more) {
            flip(8 + (first + 1 + next_random() % (bits - 1)) % bits); /* never the first one again */
        }
        return;
    }
    flip(8 + first);
    const size_t left = bits - first - 1;
    const size_t burst = left < 31 ? left : 31;
    for (size_t i = 1; i <= burst; ++i) {
        if (next_random() % 2 == 0) {
            flip(8 + first + i);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    state = strtoull(argv[2], NULL, 10) * 0x9E3779B97F4A7C15U + 1;
    const unsigned long count = strtoul(argv[3], NULL, 10);
    unsigned long intact = 0;
    kt_frame_reader_init(&reader);
    if (strcmp(argv[1], "random") == 0) {
        intact = feed_random(count);
    } else {
        for (unsigned long i = 0; i < count; ++i) {
            make_frame();
            if (i % 1000 == 0 && read_all(wire, wire_bytes) != 1) {
                return 3; /* unharmed it must be taken */
            }
            mutate();
            intact += read_all(wire, wire_bytes);
        }
    }
    printf("%lu\n", intact);
    return 0;
}
