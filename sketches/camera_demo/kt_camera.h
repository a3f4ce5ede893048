/* From a camera's frame to a model's input: the whole frame, averaged down to the model's size.
 *
 * Every pixel of the result is the mean of the frame's pixels that fall into it (the nearest one where the result is
 * larger). The desk's resize filters differ by a few levels at edges: the model sees what it saw in training, not the
 * same bytes. Nothing blocks or allocates. */
#ifndef KT_CAMERA_H
#define KT_CAMERA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    KT_CAMERA_GREY,   /* a byte per pixel */
    KT_CAMERA_RGB565, /* two bytes per pixel, the one with red first, as esp32-camera delivers it */
} kt_camera_format;

typedef struct {
    const uint8_t *bytes;
    int32_t width;
    int32_t height;
    kt_camera_format format;
} kt_camera_frame;

/* Writes width x height pixels of 1 (grey) or 3 (red, green, blue) channels, 0 to 255. */
void kt_camera_resize(const kt_camera_frame *frame, uint8_t *pixels, int32_t width, int32_t height, int32_t channels);

/* What each pixel value becomes in the model's input, in place; `table` has 256 entries per channel. */
void kt_camera_quantize(int8_t *pixels, int32_t count, int32_t channels, const int8_t *table);

/* The line that `mcu monitor` shows as a picture, without its end: "preview WIDTH HEIGHT HEX". Returns its length,
 * or 0 if `capacity` is too small: 32 + 2 * width * height are enough. */
size_t kt_camera_preview(char *line, size_t capacity, const uint8_t *pixels, int32_t width, int32_t height);

/* Index of the largest score, the first of equal ones. */
int32_t kt_camera_best(const int8_t *scores, int32_t count);

#ifdef __cplusplus
}
#endif

#endif
