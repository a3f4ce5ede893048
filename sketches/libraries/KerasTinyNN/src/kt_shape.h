/* Operators that move bytes: concatenation, padding, space to depth and back, nearest resize; and bilinear resize.
 * Whole tensors, as one row. None may write over its input. */
#ifndef KT_SHAPE_H
#define KT_SHAPE_H

#include "kt_nn.h"

typedef struct {
    const int8_t *constant; /* in flash, or NULL: in the arena */
    uint32_t offset;        /* in the arena */
    int32_t bytes;          /* of this part in each of `outer` blocks */
} kt_concat_part;

typedef struct {
    const kt_concat_part *parts;
    int32_t part_count;
    int32_t outer;
} kt_concat;

/* rows[0] is the start of the arena. */
void kt_concat_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

/* Four dimensions, as the output sees them; `inside[i]` of them from `before[i]` on come from the input. */
typedef struct {
    int32_t shape[4];
    int32_t before[4];
    int32_t inside[4];
    int32_t value;
} kt_pad;

void kt_pad_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

/* Blocks of `block` x `block` pixels become channels, or channels become blocks. */
typedef struct {
    int32_t in_height;
    int32_t in_width;
    int32_t in_channels;
    int32_t block;
} kt_block;

void kt_space_to_depth_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);
void kt_depth_to_space_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

typedef struct {
    const int16_t *row_of;    /* [out_height]: the input row of an output row */
    const int16_t *column_of; /* [out_width] */
    int32_t in_width;
    int32_t out_height;
    int32_t out_width;
    int32_t channels;
} kt_nearest;

void kt_resize_nearest_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

/* One output row or column: the two inputs it lies between and the weight of the upper one, in 1/1024. */
typedef struct {
    int16_t lower;
    int16_t upper;
    int16_t weight; /* from `lower`; beyond 0..1024 at borders, as in the reference */
} kt_between;

typedef struct {
    const kt_between *rows;    /* [out_height] */
    const kt_between *columns; /* [out_width] */
    int32_t in_width;
    int32_t out_height;
    int32_t out_width;
    int32_t channels;
} kt_bilinear;

void kt_resize_bilinear_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch);

#endif
