/* Int8 outputs of a detector -> objects. */
#include "kt_detect.h"

#include <stdbool.h>

size_t kt_detect_anchors(const kt_detector *detector)
{
    size_t count = 0;
    for (size_t i = 0; i < detector->map_count; ++i) {
        const kt_anchor_map *map = &detector->maps[i];
        count += (size_t)map->height * map->width * map->per_cell;
    }
    return count;
}

static float clipped(float value)
{
    return value < 0.0F ? 0.0F : value > 1.0F ? 1.0F : value;
}

static void decode_side(const kt_detector *detector, float centre, float size, int8_t shift, int8_t growth,
                        float *low, float *high)
{
    const float middle = detector->shifts[shift + 128] * size + centre;
    const float half = detector->growths[growth + 128] * size / 2.0F;
    *low = clipped(middle - half);
    *high = clipped(middle + half);
}

void kt_decode_box(const kt_detector *detector, size_t anchor, const int8_t outputs[4], float box[4])
{
    const kt_anchor_map *map = detector->maps;
    size_t count = (size_t)map->height * map->width * map->per_cell;
    while (anchor >= count) {
        anchor -= count;
        ++map;
        count = (size_t)map->height * map->width * map->per_cell;
    }
    const size_t cell = anchor / map->per_cell;
    const float *size = &map->sizes[2U * (anchor % map->per_cell)];
    const float x = ((float)(cell % map->width) + 0.5F) / (float)map->width;
    const float y = ((float)(cell / map->width) + 0.5F) / (float)map->height;
    decode_side(detector, x, size[0], outputs[0], outputs[2], &box[0], &box[2]);
    decode_side(detector, y, size[1], outputs[1], outputs[3], &box[1], &box[3]);
}

static float area(const float box[4])
{
    return (box[2] - box[0]) * (box[3] - box[1]);
}

static float iou(const float a[4], const float b[4])
{
    const float width = (a[2] < b[2] ? a[2] : b[2]) - (a[0] > b[0] ? a[0] : b[0]);
    const float height = (a[3] < b[3] ? a[3] : b[3]) - (a[1] > b[1] ? a[1] : b[1]);
    if (width <= 0.0F || height <= 0.0F) {
        return 0.0F;
    }
    const float shared = width * height;
    const float all = area(a) + area(b) - shared;
    return all > 0.0F ? shared / all : 0.0F;
}

size_t kt_nms(kt_object *objects, size_t count, float iou_threshold)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; ++i) {
        bool free_standing = true;
        for (size_t j = 0; j < kept && free_standing; ++j) {
            free_standing = !(iou(objects[j].box, objects[i].box) > iou_threshold);
        }
        if (free_standing) {
            objects[kept++] = objects[i];
        }
    }
    return kept;
}

/* Put an object where its score belongs, behind those of the same score; the last one falls off a full list. */
static size_t insert(kt_object *list, size_t count, size_t capacity, const kt_object *object)
{
    if (count == capacity) {
        if (capacity == 0U || !(object->score > list[count - 1U].score)) {
            return count;
        }
        --count;
    }
    size_t place = count;
    while (place > 0U && object->score > list[place - 1U].score) {
        list[place] = list[place - 1U];
        --place;
    }
    list[place] = *object;
    return count + 1U;
}

/* Whether background alone keeps the class below the threshold, as it does at nearly every anchor: a class has at most
 * e^(its score - background's) / (1 + that), which leaves no room for rounding to matter. */
static bool is_background(const kt_detector *detector, const int8_t *row, size_t label)
{
    const int below = row[0] - row[label];
    return below > 0 && detector->powers[below] <= detector->score_threshold;
}

/* The probability of one class among an anchor's. */
static float score_of(const kt_detector *detector, const int8_t *row, size_t label)
{
    int largest = row[0];
    for (size_t c = 1; c < detector->classes; ++c) {
        largest = row[c] > largest ? row[c] : largest;
    }
    float sum = 0.0F;
    for (size_t c = 0; c < detector->classes; ++c) {
        sum += detector->powers[largest - row[c]];
    }
    return detector->powers[largest - row[label]] / sum;
}

int kt_detect(const kt_detector *detector, const int8_t *class_output, const int8_t *box_output, kt_object *work,
              size_t work_count, kt_object *found, size_t capacity)
{
    if (work_count == 0U) {
        return KT_DETECT_ERR_WORK;
    }
    const size_t anchors = kt_detect_anchors(detector);
    size_t total = 0;
    for (size_t label = 1; label < detector->classes; ++label) {
        size_t count = 0;
        for (size_t anchor = 0; anchor < anchors; ++anchor) {
            const int8_t *row = &class_output[anchor * detector->classes];
            if (is_background(detector, row, label)) {
                continue;
            }
            kt_object candidate = {0};
            candidate.score = score_of(detector, row, label);
            if (candidate.score > detector->score_threshold) {
                candidate.label = (uint16_t)(label - 1U);
                candidate.anchor = (uint32_t)anchor;
                count = insert(work, count, work_count, &candidate);
            }
        }
        for (size_t i = 0; i < count; ++i) {
            kt_decode_box(detector, work[i].anchor, &box_output[4U * work[i].anchor], work[i].box);
        }
        count = kt_nms(work, count, detector->iou_threshold);
        for (size_t i = 0; i < count; ++i) {
            total = insert(found, total, capacity, &work[i]);
        }
    }
    return (int)total;
}
