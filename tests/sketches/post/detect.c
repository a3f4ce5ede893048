/* Run kt_detect on one picture: class and box output from stdin, objects to stdout. */
#include <stdio.h>

#include "detector.h"

enum { WORK = 200, LIMIT = 100, MOST = 8192 * 21 };

static int8_t classes[MOST];
static int8_t boxes[MOST];
static kt_object work[WORK];
static kt_object found[LIMIT];

int main(void)
{
    const size_t anchors = kt_detect_anchors(&detector);
    while (fread(classes, detector.classes, anchors, stdin) == anchors) {
        if (fread(boxes, 4, anchors, stdin) != anchors) {
            return 1;
        }
        const int count = kt_detect(&detector, classes, boxes, work, WORK, found, LIMIT);
        if (count < 0) {
            return 2;
        }
        const uint32_t objects = (uint32_t)count;
        fwrite(&objects, sizeof objects, 1, stdout);
        for (uint32_t i = 0; i < objects; ++i) {
            const uint32_t label = found[i].label;
            fwrite(&label, sizeof label, 1, stdout);
            fwrite(&found[i].score, sizeof found[i].score, 1, stdout);
            fwrite(found[i].box, sizeof found[i].box, 1, stdout);
        }
    }
    return kt_detect(&detector, classes, boxes, work, 0, found, LIMIT) == KT_DETECT_ERR_WORK ? 0 : 3;
}
