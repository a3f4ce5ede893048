/* Averages, a table, and a line of text. */
#include "kt_camera.h"

typedef struct {
    uint32_t red;
    uint32_t green;
    uint32_t blue;
} colour;

/* 5 or 6 bits to 8, so that the largest stays the largest. */
static uint32_t widen(uint32_t value, int bits)
{
    return value << (8 - bits) | value >> (2 * bits - 8);
}

static colour pixel_at(const kt_camera_frame *frame, int32_t x, int32_t y)
{
    const int32_t at = y * frame->width + x;
    if (frame->format == KT_CAMERA_GREY) {
        const uint32_t grey = frame->bytes[at];
        return (colour){grey, grey, grey};
    }
    const uint32_t word = (uint32_t)frame->bytes[2 * at] << 8 | frame->bytes[2 * at + 1];
    return (colour){widen(word >> 11, 5), widen(word >> 5 & 63, 6), widen(word & 31, 5)};
}

/* First frame pixel of result pixel i along one side. */
static int32_t edge(int32_t i, int32_t frame_side, int32_t side)
{
    return (int32_t)((int64_t)i * frame_side / side);
}

static colour mean_of(const kt_camera_frame *frame, int32_t left, int32_t top, int32_t right, int32_t bottom)
{
    colour sum = {0, 0, 0};
    uint32_t count = 0;
    for (int32_t y = top; y < bottom; ++y) {
        for (int32_t x = left; x < right; ++x) {
            const colour pixel = pixel_at(frame, x, y);
            sum.red += pixel.red;
            sum.green += pixel.green;
            sum.blue += pixel.blue;
            ++count;
        }
    }
    const uint32_t half = count / 2;
    return (colour){(sum.red + half) / count, (sum.green + half) / count, (sum.blue + half) / count};
}

void kt_camera_resize(const kt_camera_frame *frame, uint8_t *pixels, int32_t width, int32_t height, int32_t channels)
{
    for (int32_t y = 0; y < height; ++y) {
        const int32_t top = edge(y, frame->height, height);
        const int32_t next_row = edge(y + 1, frame->height, height);
        for (int32_t x = 0; x < width; ++x) {
            const int32_t left = edge(x, frame->width, width);
            const int32_t next = edge(x + 1, frame->width, width);
            const colour mean = mean_of(frame, left, top, next > left ? next : left + 1,
                                        next_row > top ? next_row : top + 1);
            if (channels == 1) {
                /* ITU-R BT.601, as Pillow's "L"; a grey pixel stays what it is */
                *pixels++ = (uint8_t)((mean.red * 299 + mean.green * 587 + mean.blue * 114 + 500) / 1000);
            } else {
                *pixels++ = (uint8_t)mean.red;
                *pixels++ = (uint8_t)mean.green;
                *pixels++ = (uint8_t)mean.blue;
            }
        }
    }
}

void kt_camera_quantize(int8_t *pixels, int32_t count, int32_t channels, const int8_t *table)
{
    for (int32_t i = 0; i < count; ++i) {
        for (int32_t channel = 0; channel < channels; ++channel) {
            *pixels = table[256 * channel + (uint8_t)*pixels];
            ++pixels;
        }
    }
}

static char *put_number(char *to, int32_t value)
{
    char digits[10];
    int count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (count > 0) {
        *to++ = digits[--count];
    }
    *to++ = ' ';
    return to;
}

size_t kt_camera_preview(char *line, size_t capacity, const uint8_t *pixels, int32_t width, int32_t height)
{
    static const char word[] = "preview ";
    static const char hex[] = "0123456789abcdef";
    const size_t count = (size_t)width * (size_t)height;
    if (capacity < 32 + 2 * count) {
        return 0;
    }
    char *to = line;
    for (const char *from = word; *from != '\0'; ++from) {
        *to++ = *from;
    }
    to = put_number(put_number(to, width), height);
    for (size_t i = 0; i < count; ++i) {
        *to++ = hex[pixels[i] >> 4];
        *to++ = hex[pixels[i] & 15];
    }
    *to = '\0';
    return (size_t)(to - line);
}

int32_t kt_camera_best(const int8_t *scores, int32_t count)
{
    int32_t best = 0;
    for (int32_t i = 1; i < count; ++i) {
        if (scores[i] > scores[best]) {
            best = i;
        }
    }
    return best;
}
