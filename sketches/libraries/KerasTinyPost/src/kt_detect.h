/* From a detector's two int8 outputs to objects: softmax, boxes from anchors, non-maximum suppression.
 *
 * All functions work on the caller's memory, allocate nothing, keep nothing, do not block, and need no libm: every
 * exponential is looked up in tables of the model, which `mcu.postprocess.detect.to_c` writes as a header. Results are
 * those of its Python twin, to the bit where the compiler does not fuse a product into a sum (C99, or GCC's
 * -ffp-contract=off), else to the last digit.
 *
 *     #include "detector.h"                       // made by to_c, has `static const kt_detector detector`
 *     static kt_object work[200], found[20];
 *     int count = kt_detect(&detector, class_output, box_output, work, 200, found, 20);
 *     for (int i = 0; i < count && found[i].score >= 0.5F; ++i) { draw(found[i].box, found[i].label); }
 */
#ifndef KT_DETECT_H
#define KT_DETECT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    KT_DETECT_ERR_WORK = -1 /* no working memory: work_count is 0 */
};

/* The anchors of one feature map: the same in every cell. sizes: per_cell pairs of width and height, as shares of the
 * picture's. */
typedef struct {
    uint16_t height;
    uint16_t width;
    uint16_t per_cell;
    const float *sizes;
} kt_anchor_map;

/* One model's way from bytes to objects; 3 KiB of tables in flash. */
typedef struct {
    const kt_anchor_map *maps;
    size_t map_count;
    size_t classes;        /* background, class 0, counted */
    const float *powers;   /* [256] e^(-k * scale of the class output) */
    const float *shifts;   /* [256] box output -128 .. 127 -> shift of the centre in anchor sides */
    const float *growths;  /* [256] box output -128 .. 127 -> factor of the anchor's side */
    float score_threshold; /* objects at or below it are not looked at */
    float iou_threshold;   /* of two boxes of a class that overlap by more, the less sure one is dropped */
} kt_detector;

/* One object. box: xmin, ymin, xmax, ymax as shares of the picture, inside it. label: 0 is the first class of objects.
 * anchor: which output it comes from. */
typedef struct {
    float score;
    float box[4];
    uint16_t label;
    uint32_t anchor;
} kt_object;

/* Anchors of all maps together: the rows of both outputs. */
size_t kt_detect_anchors(const kt_detector *detector);

/* The objects in found, best first; of equal scores the lower class, then the lower anchor, comes first.
 * class_output: anchors x classes. box_output: anchors x 4.
 * work: only its `work_count` best candidates of a class are looked at; 200 is the Python twin's default.
 * Returns how many there are, at most `capacity`, or KT_DETECT_ERR_WORK. */
int kt_detect(const kt_detector *detector, const int8_t *class_output, const int8_t *box_output, kt_object *work,
              size_t work_count, kt_object *found, size_t capacity);

/* Where the box outputs of one anchor put its object, clipped to the picture. */
void kt_decode_box(const kt_detector *detector, size_t anchor, const int8_t outputs[4], float box[4]);

/* Drop what overlaps a better object by more than the threshold. objects: best first. Returns how many are kept, at
 * the front and in their order. */
size_t kt_nms(kt_object *objects, size_t count, float iou_threshold);

#ifdef __cplusplus
}
#endif

#endif
