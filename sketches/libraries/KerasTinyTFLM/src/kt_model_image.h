/* A model image in flash (docs/reference/model_image.md): is there one, is it whole, where is the model?
 *
 *   kt_model_image image;
 *   if (kt_model_image_open(&image, flash, capacity) == 0) {
 *       tflite::GetModel(image.model);
 *   }
 * Reads only; `flash` must be mapped into memory and aligned as KT_MODEL_IMAGE_ALIGNMENT says. Takes as long as a CRC-32 of the model. */
#ifndef KT_MODEL_IMAGE_H
#define KT_MODEL_IMAGE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KT_MODEL_IMAGE_VERSION 1
#define KT_MODEL_IMAGE_HEADER_BYTES 64
#define KT_MODEL_IMAGE_ALIGNMENT 16 /* of the flash that holds it; then the model behind the header is, too */
#define KT_SHA256_BYTES 32

enum {
    KT_ERR_NO_IMAGE = -1,       /* erased flash, or something else */
    KT_ERR_IMAGE_HEADER = -2,   /* damaged */
    KT_ERR_IMAGE_VERSION = -3,  /* another one than this code knows */
    KT_ERR_IMAGE_SIZE = -4,     /* longer than the flash that is its place */
    KT_ERR_IMAGE_MODEL = -5,    /* the model's bytes are damaged */
    KT_ERR_IMAGE_FORMAT = -6,   /* whole, but no .tflite file */
};

typedef struct {
    const uint8_t *model; /* the .tflite file, inside of `flash` */
    uint32_t model_bytes;
    uint32_t model_crc32; /* as computed here */
    uint32_t arena_bytes;
    const uint8_t *model_sha256; /* KT_SHA256_BYTES, inside of `flash` */
} kt_model_image;

/* Checks the image at the start of `capacity` bytes of flash. 0, or one of the errors above; *image only if 0. */
int kt_model_image_open(kt_model_image *image, const void *flash, uint32_t capacity);

#ifdef __cplusplus
}
#endif

#endif
