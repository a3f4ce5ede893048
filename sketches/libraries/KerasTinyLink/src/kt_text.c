/* Numbers as text; real values by integers alone, rounded as floats and printf round: to nearest, ties to even. */
#ifdef KT_MLPERF
#include "kt_text.h"

#include <string.h>

#include "kt_divide.h"
#include "kt_port.h"

enum { MANTISSA_BITS = 24, EXPONENT_OF_ONE_UNIT = -150 };

void kt_text_put(const char *text)
{
    kt_port_write((const uint8_t *)text, strlen(text));
}

/* At least `digits` of them. */
static void put_padded(uint32_t number, int digits)
{
    char text[11];
    char *at = text + sizeof text - 1;
    *at = '\0';
    for (; number > 0 || digits > 0; --digits) {
        *--at = (char)('0' + number % 10);
        number /= 10;
    }
    kt_text_put(at);
}

void kt_text_number(uint32_t number)
{
    put_padded(number, 1);
}

void kt_text_hex(uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    const char text[] = {digits[byte >> 4], digits[byte & 15], '\0'};
    kt_text_put(text);
}

/* value / 2^shift */
static uint64_t round_even(uint64_t value, int shift)
{
    if (shift == 0) {
        return value;
    }
    if (shift > 63) {
        return 0;
    }
    const uint64_t half = (uint64_t)1 << (shift - 1);
    const uint64_t rest = value & (half * 2 - 1);
    const uint64_t floor = value >> shift;
    return floor + (rest > half || (rest == half && (floor & 1U) != 0));
}

void kt_text_real(int32_t steps, uint32_t scale_bits)
{
    const uint32_t fraction = scale_bits & 0x7FFFFF;
    const int biased = (int)(scale_bits >> 23 & 0xFF);
    const uint32_t mantissa = biased > 0 ? fraction | 0x800000 : fraction;
    int exponent = (biased > 0 ? biased : 1) + EXPONENT_OF_ONE_UNIT;
    uint64_t product = (uint64_t)(uint32_t)(steps < 0 ? -steps : steps) * mantissa;
    int over = 0;
    while (product >> MANTISSA_BITS >> over != 0) {
        ++over;
    }
    product = round_even(product, over); /* the float that the product is */
    exponent += over;
    const uint64_t most = (uint64_t)UINT32_MAX * 1000;
    uint64_t thousandths = product * 1000;
    for (; exponent > 0 && thousandths <= most; --exponent) {
        thousandths *= 2;
    }
    if (exponent < 0) {
        thousandths = round_even(thousandths, -exponent);
    }
    if (thousandths > most) {
        thousandths = most;
    }
    const uint32_t whole = (uint32_t)kt_divide(thousandths, 1000);
    if (steps < 0) {
        kt_text_put("-");
    }
    put_padded(whole, 1);
    kt_text_put(".");
    put_padded((uint32_t)(thousandths - (uint64_t)whole * 1000), 3);
}
#endif
