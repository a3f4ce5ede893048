/* 64-bit division in a few bytes of code: the compiler's own takes 800 of them on a Cortex-M. */
#ifndef KT_DIVIDE_H
#define KT_DIVIDE_H

#include <stdint.h>

/* dividend / divisor, rounded down; the divisor is not 0. Takes about 600 instructions. */
uint64_t kt_divide(uint64_t dividend, uint32_t divisor);

#endif
