/* Where a board keeps a model of its own, beside the firmware (docs/reference/model_image.md). */
#ifndef KT_MODEL_FLASH_H
#define KT_MODEL_FLASH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The first byte of that flash, mapped into memory for good, and how much there is; NULL if this board has none, or
 * a partition table without it. */
const void *kt_model_flash(uint32_t *capacity);

#ifdef __cplusplus
}
#endif

#endif
