/* Long division, bit by bit. */
#include "kt_divide.h"

uint64_t kt_divide(uint64_t dividend, uint32_t divisor)
{
    uint64_t rest = 0; /* below the divisor, and below twice that for a moment */
    for (int bit = 0; bit < 64; ++bit) {
        rest = rest << 1 | dividend >> 63;
        dividend <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            dividend |= 1U; /* the quotient moves in where the dividend moves out */
        }
    }
    return dividend;
}
