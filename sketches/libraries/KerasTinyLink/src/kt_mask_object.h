/* A segmenter's output as the objects MASK and MASK_RUNS (docs/reference/protocol.md, "Masks"). Used by kt_link.c.
 *
 * Compiled in with -DKT_LINK_MASK only, and then it takes kt_mask.h of KerasTinyPost. The mask is made in the memory of
 * the output tensor: no buffer, but the output is gone. */
#ifndef KT_MASK_OBJECT_H
#define KT_MASK_OBJECT_H

#include "kt_link.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef KT_LINK_MASK

/* Reads from the identity what the output is. */
void kt_mask_find(kt_link *link);

/* Whether the model is a segmenter whose classes fit. */
bool kt_mask_is_possible(const kt_link *link);

/* The object that has taken the place of the request's result; 0 while the result is there. */
uint16_t kt_mask_made(const kt_link *link);

/* Puts the object into the place of the result, unless it is there already. The model has run. */
void kt_mask_make(kt_link *link, uint16_t object);

/* Its two pieces. */
const kt_bytes *kt_mask_pieces(const kt_link *link);

#else

static inline void kt_mask_find(kt_link *link)
{
    (void)link;
}

static inline bool kt_mask_is_possible(const kt_link *link)
{
    (void)link;
    return false;
}

static inline uint16_t kt_mask_made(const kt_link *link)
{
    (void)link;
    return 0;
}

static inline void kt_mask_make(kt_link *link, uint16_t object)
{
    (void)link;
    (void)object;
}

static inline const kt_bytes *kt_mask_pieces(const kt_link *link)
{
    (void)link;
    return NULL;
}

#endif

#ifdef __cplusplus
}
#endif

#endif
