"""Exponential and logistic function in gemmlowp's fixed point, for tables computed at compile time.

Source: gemmlowp's fixedpoint.h; `Qm.n` is an int32 with m integer bits and n fractional bits.
"""

from __future__ import annotations

from mcu.compiler.arithmetic import INT32_MAX, INT32_MIN, divide_by_power_of_two, high_multiply, wrap

# exp(-2**k) in Q0.31, for k from -2 on.
_EXP_OF_MINUS = ((-2, 1672461947), (-1, 1302514674), (0, 790015084), (1, 290630308), (2, 39332535))
_EXP_OF_MINUS_LARGE = ((3, 720401), (4, 242))
_EXP_OF_MINUS_EIGHTH = 1895147668
_ONE_THIRD = 715827883


def _saturating_shift_left(value: int, exponent: int) -> int:
    return min(max(value << exponent, INT32_MIN), INT32_MAX)


def _exp_below_quarter(value: int) -> int:
    """exp for a value in [-1/4, 0), Q0.31 → Q0.31: a Taylor series around -1/8."""
    x = wrap(value + (1 << 28))
    x2 = high_multiply(x, x)
    x3 = high_multiply(x2, x)
    x4 = high_multiply(x2, x2)
    series = high_multiply(wrap(divide_by_power_of_two(x4, 2) + x3), _ONE_THIRD) + x2
    series = divide_by_power_of_two(wrap(series), 1)
    return wrap(_EXP_OF_MINUS_EIGHTH + high_multiply(_EXP_OF_MINUS_EIGHTH, wrap(x + series)))


def exp_of_negative(value: int, integer_bits: int) -> int:
    """exp of a value ≤ 0 in Q(integer_bits); answer in Q0.31."""
    if value == 0:
        return INT32_MAX
    fraction_bits = 31 - integer_bits
    if integer_bits > 5 and value < -(1 << (fraction_bits + 5)):
        return 0
    quarter = 1 << (fraction_bits - 2)
    within = (value & (quarter - 1)) - quarter
    result = _exp_below_quarter(_saturating_shift_left(within, integer_bits))
    remainder = wrap(within - value)
    for exponent, factor in _EXP_OF_MINUS + _EXP_OF_MINUS_LARGE:
        if integer_bits > exponent and remainder & (1 << (fraction_bits + exponent)):
            result = high_multiply(result, factor)
    return result


def one_over_one_plus(value: int) -> int:
    """1 / (1 + x) for x in [0, 1), Q0.31: three Newton-Raphson steps in Q2.29."""
    half_denominator = (value + INT32_MAX + 1) >> 1
    x = wrap(1515870810 + high_multiply(half_denominator, -1010580540))
    for _ in range(3):
        error = wrap((1 << 29) - high_multiply(half_denominator, x))
        x = wrap(x + _saturating_shift_left(high_multiply(x, error), 2))
    return _saturating_shift_left(x, 1)


def logistic(value: int, integer_bits: int) -> int:
    """1 / (1 + exp(-x)), Q(integer_bits) → Q0.31."""
    if value == 0:
        return 1 << 30
    positive = one_over_one_plus(exp_of_negative(-abs(value), integer_bits))
    return positive if value > 0 else INT32_MAX - positive
