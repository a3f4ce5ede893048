/* kt_model_image on what lies in memory of exactly its own size, so that a sanitizer sees a byte too far.
 *
 *   image open              per line of hex digits ("." for none): the code, and for 0 what the image holds
 *   image fuzz SEED COUNT   mutated images; prints how many were taken although their bytes are others */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kt_bytes.h"
#include "kt_crc32.h"
#include "kt_model_image.h"

enum { MOST_BYTES = 1024, HEADER_CRC32 = 60 };

static uint64_t state;

static uint32_t next_random(void)
{
    state ^= state << 13; /* xorshift64, Marsaglia 2003 */
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

static int open_exactly(kt_model_image *image, const uint8_t *bytes, size_t count, uint8_t **copy)
{
    *copy = malloc(count > 0 ? count : 1);
    if (*copy == NULL) {
        exit(2);
    }
    memcpy(*copy, bytes, count);
    return kt_model_image_open(image, *copy, (uint32_t)count);
}

static void put_hex(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; ++i) {
        printf("%02x", bytes[i]);
    }
}

static void answer(const uint8_t *bytes, size_t count)
{
    kt_model_image image;
    uint8_t *copy;
    const int code = open_exactly(&image, bytes, count, &copy);
    printf("%d", code);
    if (code == 0) {
        printf(" %u %u ", (unsigned)image.model_crc32, (unsigned)image.arena_bytes);
        put_hex(image.model_sha256, KT_SHA256_BYTES);
        putchar(' ');
        put_hex(image.model, image.model_bytes);
    }
    putchar('\n');
    free(copy);
}

static void open_lines(void)
{
    static char line[2 * MOST_BYTES + 2];
    static uint8_t bytes[MOST_BYTES];
    while (fgets(line, sizeof line, stdin) != NULL) {
        size_t count = 0;
        unsigned value;
        while (count < MOST_BYTES && sscanf(line + 2 * count, "%2x", &value) == 1) {
            bytes[count++] = (uint8_t)value;
        }
        answer(bytes, count);
    }
}

static size_t make_image(uint8_t *bytes)
{
    const uint32_t model_bytes = 8 + next_random() % 256;
    uint8_t *const model = bytes + KT_MODEL_IMAGE_HEADER_BYTES;
    for (uint32_t i = 0; i < model_bytes; ++i) {
        model[i] = (uint8_t)next_random();
    }
    memcpy(model + 4, "TFL3", 4);
    memset(bytes, 0, KT_MODEL_IMAGE_HEADER_BYTES);
    memcpy(bytes, "KTMD", 4);
    kt_put_u16le(bytes + 4, KT_MODEL_IMAGE_VERSION);
    kt_put_u16le(bytes + 6, KT_MODEL_IMAGE_HEADER_BYTES);
    kt_put_u32le(bytes + 8, model_bytes);
    kt_put_u32le(bytes + 12, kt_crc32(0, model, model_bytes));
    kt_put_u32le(bytes + HEADER_CRC32, kt_crc32(0, bytes, HEADER_CRC32));
    return KT_MODEL_IMAGE_HEADER_BYTES + model_bytes;
}

/* Bits, a cut, or a length that the header's CRC-32 confirms. */
static size_t mutate(uint8_t *bytes, size_t count)
{
    switch (next_random() % 3) {
    case 0:
        for (uint32_t more = next_random() % 3 + 1; more > 0; --more) {
            const size_t bit = next_random() % (8 * count);
            bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
        return count;
    case 1:
        return next_random() % count;
    default:
        kt_put_u32le(bytes + 8, next_random() >> next_random() % 32);
        kt_put_u32le(bytes + HEADER_CRC32, kt_crc32(0, bytes, HEADER_CRC32));
        return count;
    }
}

static unsigned long fuzz(unsigned long count)
{
    static uint8_t whole[MOST_BYTES], changed[MOST_BYTES];
    unsigned long taken = 0;
    for (unsigned long i = 0; i < count; ++i) {
        const size_t bytes = make_image(whole);
        memcpy(changed, whole, bytes);
        const size_t left = mutate(changed, bytes);
        kt_model_image image;
        uint8_t *copy;
        const int code = open_exactly(&image, changed, left, &copy);
        taken += code == 0 && (left != bytes || memcmp(changed, whole, bytes) != 0);
        free(copy);
    }
    return taken;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "open") == 0) {
        open_lines();
        return 0;
    }
    if (argc == 4 && strcmp(argv[1], "fuzz") == 0) {
        state = strtoull(argv[2], NULL, 10) * 0x9E3779B97F4A7C15U + 1;
        printf("%lu\n", fuzz(strtoul(argv[3], NULL, 10)));
        return 0;
    }
    return 2;
}
