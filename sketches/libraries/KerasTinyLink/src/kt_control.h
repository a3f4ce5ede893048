/* Frames about the board and the line, not about a request. Used by kt_link.c. */
#ifndef KT_CONTROL_H
#define KT_CONTROL_H

#include "kt_link.h"

#ifdef __cplusplus
extern "C" {
#endif

/* PING and GET_STATS. False for any other type. */
bool kt_control_obey(kt_link *link, const kt_frame *frame);

#ifdef __cplusplus
}
#endif

#endif
