/* One request of the host: the inputs that arrive, then the result that may be asked for again. Used by kt_link.c. */
#ifndef KT_REQUEST_H
#define KT_REQUEST_H

#include "kt_link.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Forgets the request before. */
void kt_request_begin(kt_link_request *request, uint16_t number);

/* DATA and INVOKE. */
void kt_request_data(kt_link *link, const kt_frame *frame);
void kt_request_invoke(kt_link *link, const kt_frame *frame);

#ifdef __cplusplus
}
#endif

#endif
