/* What MLPerf Tiny's commands do. Used by kt_mlperf.c. */
#ifndef KT_MLPERF_COMMANDS_H
#define KT_MLPERF_COMMANDS_H

#include "kt_mlperf.h"

/* Answers the command that has been gathered, but for its m-ready. */
void kt_mlperf_obey(kt_mlperf *mlperf);

#endif
