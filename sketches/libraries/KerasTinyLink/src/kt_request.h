/* One request of the host: the inputs that arrive, then the result that may be asked for again. Used by kt_link.c. */
#ifndef KT_REQUEST_H
#define KT_REQUEST_H

#include "kt_link.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As if there had never been one, and no overlap was agreed on. */
void kt_request_forget(kt_link *link);

/* Whether the next request's inputs can be taken while the result of this one is kept; and whether the host wants it,
 * by the features of its HELLO. */
bool kt_request_can_overlap(const kt_link *link);
void kt_request_agree(kt_link *link, uint32_t features);

/* Of the request whose inputs arrive. */
const kt_arrival *kt_request_newest(const kt_link *link);

/* DATA and INVOKE. */
void kt_request_data(kt_link *link, const kt_frame *frame);
void kt_request_invoke(kt_link *link, const kt_frame *frame);

#ifdef __cplusplus
}
#endif

#endif
