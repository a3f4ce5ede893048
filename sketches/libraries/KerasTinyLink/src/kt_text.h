/* Text to the port, piece by piece: what printf would do, without its size. Used by kt_mlperf.c. */
#ifndef KT_TEXT_H
#define KT_TEXT_H

#include <stdint.h>

void kt_text_put(const char *text);
void kt_text_number(uint32_t number);
void kt_text_hex(uint8_t byte);

/* steps * scale as printf's %0.3f writes that product of two floats; scale is given as its bits, |steps| is at most
 * 255. Above 4294967295 it stays there. */
void kt_text_real(int32_t steps, uint32_t scale_bits);

#endif
