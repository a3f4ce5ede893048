/* Makes a mask of the output, in its place. mcu/postprocess/mask_object.py is the same in Python. */
#include "kt_mask_object.h"

#ifdef KT_LINK_MASK

#include <string.h>

#include "kt_bytes.h"
#include "kt_crc32.h"
#include "kt_mask.h"
#include "kt_messages.h"

/* An entry OUTPUT of the identity: type, rank, scale, zero point, then the dimensions. */
enum { TAG_OUTPUT = 0x11, DTYPE_INT8 = 0, RANK = 4, FIXED_BYTES = 10, TENSOR_BYTES = FIXED_BYTES + 4 * RANK };
enum { MOST_CLASSES = 16, SHARE_ZERO_POINT = -128 };

/* 1/256 as an IEEE 754 float: with zero point -128 the scale of every LOGISTIC. */
static const uint32_t share_scale = 0x3B800000;

/* Byte `at` of the identity, which may lie in several pieces; -1 behind its end. */
static int identity_byte(const kt_link_model *model, uint32_t at)
{
    for (uint16_t i = 0; i < model->identity_count; ++i) {
        if (at < model->identity[i].bytes) {
            return ((const uint8_t *)model->identity[i].data)[at];
        }
        at -= model->identity[i].bytes;
    }
    return -1;
}

/* The first bytes of the value of the entry OUTPUT; false if there is none, or one that is too short. */
static bool find_output(const kt_link_model *model, uint8_t *value)
{
    uint32_t at = 0;
    int tag;
    while ((tag = identity_byte(model, at)) >= 0) {
        const int bytes = identity_byte(model, at + 1);
        if (tag == TAG_OUTPUT) {
            for (uint32_t i = 0; i < TENSOR_BYTES && bytes >= TENSOR_BYTES; ++i) {
                value[i] = (uint8_t)identity_byte(model, at + 2 + i);
            }
            return bytes >= TENSOR_BYTES;
        }
        at += 2U + (bytes > 0 ? (uint32_t)bytes : 0U);
    }
    return false;
}

void kt_mask_find(kt_link *link)
{
    uint8_t value[TENSOR_BYTES];
    memset(&link->mask, 0, sizeof link->mask);
    if (link->model->output_count != 1 || !find_output(link->model, value) || value[0] != DTYPE_INT8 ||
        value[1] != RANK) {
        return;
    }
    const uint32_t channels = kt_get_u32le(value + FIXED_BYTES + 4 * (RANK - 1));
    if (channels < 1 || channels > MOST_CLASSES) {
        return;
    }
    const int32_t zero_point = (int32_t)kt_get_u32le(value + 6);
    const bool is_share = kt_get_u32le(value + 2) == share_scale && zero_point == SHARE_ZERO_POINT;
    link->mask.channels = (uint16_t)channels;
    link->mask.pixels = link->model->outputs[0].bytes / channels;
    link->mask.above = is_share ? 0 : (int16_t)zero_point;
}

bool kt_mask_is_possible(const kt_link *link)
{
    return link->mask.channels != 0;
}

uint16_t kt_mask_made(const kt_link *link)
{
    return link->request.mask_object;
}

const kt_bytes *kt_mask_pieces(const kt_link *link)
{
    return link->mask_bytes;
}

void kt_mask_make(kt_link *link, uint16_t object)
{
    kt_link_request *const request = &link->request;
    if (request->mask_object != 0) {
        return;
    }
    /* The board's own memory, which only the link's view of an output calls constant. */
    uint8_t *const place = (uint8_t *)(uintptr_t)link->model->outputs[0].data;
    const size_t pixels = link->mask.pixels;
    const unsigned channels = link->mask.channels;
    if (channels > 1) {
        kt_argmax((const int8_t *)place, pixels, channels, place);
    } else {
        kt_threshold((const int8_t *)place, pixels, link->mask.above, place);
    }
    const unsigned needed = channels > 4U ? 4U : channels > 2U ? 2U : 1U;
    const unsigned bits = object == KT_OBJECT_MASK ? needed : 0U;
    /* Neither can fail: no class is 16 or more, and neither form has more bytes than pixels. */
    const uint32_t bytes = (uint32_t)(bits != 0 ? kt_mask_pack(place, pixels, bits, place, pixels)
                                                : kt_mask_encode_runs(place, pixels, place, pixels));
    uint8_t *end = kt_put_u32le(request->mask_head, link->mask.pixels);
    end = kt_put_u32le(end, bytes);
    end = kt_put_u32le(end, kt_crc32(0, place, bytes));
    kt_put_u32le(end, bits);
    link->mask_bytes[0] = (kt_bytes){request->mask_head, sizeof request->mask_head};
    link->mask_bytes[1] = (kt_bytes){place, bytes};
    request->mask_object = object;
}

#else

typedef int kt_mask_object_is_not_compiled_in; /* C99 wants something in a file */

#endif
