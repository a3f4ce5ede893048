/* Softmax in gemmlowp's fixed point: exponentials from a table, the reciprocal of their sum by Newton-Raphson. */
#include "kt_math.h"
#include "kt_reduce.h"

enum { SUM_INTEGER_BITS = 12 };

static int32_t leading_zeros(uint32_t x)
{
    int32_t count = 0;
    for (uint32_t bit = UINT32_C(1) << 31; bit != 0U && (x & bit) == 0U; bit >>= 1) {
        ++count;
    }
    return count;
}

/* x * 2^exponent, held inside int32. */
static int32_t saturating_shift_left(int32_t x, int32_t exponent)
{
    const int32_t limit = INT32_MAX >> exponent;
    if (x > limit) {
        return INT32_MAX;
    }
    return x < -limit - 1 ? INT32_MIN : (int32_t)((uint32_t)x << exponent);
}

/* 1 / (1 + x) for x in [0, 1), both Q0.31. */
static int32_t one_over_one_plus(int32_t x)
{
    const int32_t forty_eight_seventeenths = 1515870810; /* Q2.29 */
    const int32_t minus_thirty_two_seventeenths = -1010580540;
    const int32_t one = INT32_C(1) << 29;
    const int32_t half_denominator = (int32_t)(((int64_t)x + INT32_MAX + 1) >> 1);
    int32_t y = forty_eight_seventeenths + kt_high_multiply(half_denominator, minus_thirty_two_seventeenths);
    for (int i = 0; i < 3; ++i) {
        const int32_t error = one - kt_high_multiply(half_denominator, y);
        y += saturating_shift_left(kt_high_multiply(y, error), 2);
    }
    return saturating_shift_left(y, 1);
}

static void softmax(const kt_softmax *c, const int8_t *in, int8_t *out)
{
    int32_t largest = INT8_MIN;
    for (int32_t i = 0; i < c->depth; ++i) {
        largest = in[i] > largest ? in[i] : largest;
    }
    int32_t sum = 0;
    for (int32_t i = 0; i < c->depth; ++i) {
        const int32_t below = largest - in[i];
        if (below < c->exponential_count) {
            sum += kt_divide_by_power_of_two(c->exponentials[below], SUM_INTEGER_BITS);
        }
    }
    const int32_t headroom = leading_zeros((uint32_t)sum);
    const uint32_t fraction = ((uint32_t)sum << headroom) - (UINT32_C(1) << 31);
    const int32_t reciprocal = one_over_one_plus((int32_t)fraction);
    const int32_t exponent = SUM_INTEGER_BITS - headroom + 31 - 8;
    for (int32_t i = 0; i < c->depth; ++i) {
        const int32_t below = largest - in[i];
        int32_t result = 0;
        if (below < c->exponential_count) {
            result = kt_divide_by_power_of_two(kt_high_multiply(reciprocal, c->exponentials[below]), exponent);
        }
        out[i] = kt_clamp(result + INT8_MIN, INT8_MIN, INT8_MAX);
    }
}

void kt_softmax_row(const void *op, const int8_t *const *rows, int8_t *out, void *scratch)
{
    const kt_softmax *const c = op;
    (void)scratch;
    for (int32_t i = 0; i < c->outer; ++i) {
        softmax(c, rows[0] + i * c->depth, out + i * c->depth);
    }
}
