/* Every field is checked before it is used. */
#include "kt_model_image.h"

#include "kt_bytes.h"
#include "kt_crc32.h"

enum {
    AT_VERSION = 4,
    AT_HEADER_BYTES = 6,
    AT_MODEL_BYTES = 8,
    AT_MODEL_CRC32 = 12,
    AT_ARENA_BYTES = 16,
    AT_MODEL_SHA256 = 20,
    AT_HEADER_CRC32 = 60,
};

static const uint32_t magic = 0x444D544BU;     /* "KTMD" */
static const uint32_t flatbuffer = 0x334C4654U; /* "TFL3" behind the first word: file_identifier of schema.fbs */

enum { SMALLEST_MODEL = 8, AT_FILE_IDENTIFIER = 4 };

int kt_model_image_open(kt_model_image *image, const void *flash, uint32_t capacity)
{
    const uint8_t *const header = flash;
    if (capacity < KT_MODEL_IMAGE_HEADER_BYTES || kt_get_u32le(header) != magic) {
        return KT_ERR_NO_IMAGE;
    }
    if (kt_crc32(0, header, AT_HEADER_CRC32) != kt_get_u32le(header + AT_HEADER_CRC32)) {
        return KT_ERR_IMAGE_HEADER;
    }
    if (kt_get_u16le(header + AT_VERSION) != KT_MODEL_IMAGE_VERSION ||
        kt_get_u16le(header + AT_HEADER_BYTES) != KT_MODEL_IMAGE_HEADER_BYTES) {
        return KT_ERR_IMAGE_VERSION;
    }
    const uint32_t model_bytes = kt_get_u32le(header + AT_MODEL_BYTES);
    if (model_bytes > capacity - KT_MODEL_IMAGE_HEADER_BYTES) {
        return KT_ERR_IMAGE_SIZE;
    }
    const uint32_t model_crc32 = kt_crc32(0, header + KT_MODEL_IMAGE_HEADER_BYTES, model_bytes);
    if (model_crc32 != kt_get_u32le(header + AT_MODEL_CRC32)) {
        return KT_ERR_IMAGE_MODEL;
    }
    if (model_bytes < SMALLEST_MODEL ||
        kt_get_u32le(header + KT_MODEL_IMAGE_HEADER_BYTES + AT_FILE_IDENTIFIER) != flatbuffer) {
        return KT_ERR_IMAGE_FORMAT;
    }
    image->model = header + KT_MODEL_IMAGE_HEADER_BYTES;
    image->model_bytes = model_bytes;
    image->model_crc32 = model_crc32;
    image->arena_bytes = kt_get_u32le(header + AT_ARENA_BYTES);
    image->model_sha256 = header + AT_MODEL_SHA256;
    return 0;
}
