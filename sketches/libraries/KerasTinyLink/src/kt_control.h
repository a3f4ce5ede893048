/* Frames about the board and the line, not about a request. Used by kt_link.c. */
#ifndef KT_CONTROL_H
#define KT_CONTROL_H

#include "kt_link.h"

#ifdef __cplusplus
extern "C" {
#endif

/* PING, SET_BAUD and GET_STATS. False for any other type. */
bool kt_control_obey(kt_link *link, const kt_frame *frame);

/* An intact frame of the session has arrived: a rate that is tried is so for longer. */
void kt_control_heard(kt_link *link);

/* Back to the rate at power-on. */
void kt_control_reset_baud(kt_link *link);

#ifdef __cplusplus
}
#endif

#endif
