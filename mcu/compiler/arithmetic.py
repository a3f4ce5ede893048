"""Integer arithmetic of TensorFlow Lite Micro's reference kernels, in Python (gemmlowp's double rounding).

A real factor is `multiplier * 2**(shift - 31)`, multiplier in [0, 2**31), shift positive to the left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

INT32_MAX = 2**31 - 1
INT32_MIN = -(2**31)


@dataclass(frozen=True)
class Factor:
    """A real factor in fixed point."""

    multiplier: int
    shift: int


def round_half_away(value: float) -> int:
    """std::round: the nearest integer, halves away from zero."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def quantize_multiplier(factor: float) -> Factor:
    """The factor in fixed point; below 2**-32 it is zero (tensorflow/lite/kernels/internal/quantization_util.cc)."""
    if factor == 0.0:
        return Factor(0, 0)
    fraction, shift = math.frexp(factor)
    multiplier = round_half_away(fraction * 2**31)
    if multiplier == 2**31:
        multiplier //= 2
        shift += 1
    return Factor(0, 0) if shift < -31 else Factor(multiplier, shift)


def high_multiply(a: int, b: int) -> int:
    """round(a * b / 2**31), halves up; gemmlowp's SaturatingRoundingDoublingHighMul."""
    if a == b == INT32_MIN:
        return INT32_MAX
    return (a * b + (1 << 30)) >> 31


def divide_by_power_of_two(value: int, exponent: int) -> int:
    """round(value / 2**exponent), halves away from zero; gemmlowp's RoundingDivideByPOT."""
    if exponent == 0:
        return value
    mask = (1 << exponent) - 1
    return (value >> exponent) + int((value & mask) > (mask >> 1) + (value < 0))


def rescale(value: int, factor: Factor) -> int:
    """value times a real factor, rounded twice as the kernels do."""
    left = max(factor.shift, 0)
    return divide_by_power_of_two(
        high_multiply(wrap(value << left), factor.multiplier), max(-factor.shift, 0)
    )


def wrap(value: int) -> int:
    """The value as int32 holds it."""
    return (value + 2**31) % 2**32 - 2**31


def clamp(value: int, low: int = -128, high: int = 127) -> int:
    return min(max(value, low), high)


def quantize_float(value: float, scale: float, zero_point: int) -> int:
    """The integer that stands for a real value, not clamped; the division is float32, as in the kernels."""
    return zero_point + round_half_away(float(np.float32(value) / np.float32(scale)))


def activation_range(activation: str, scale: float, zero_point: int) -> tuple[int, int]:
    """Lowest and highest int8 of an output with a fused activation."""
    if activation == "RELU":
        return max(-128, quantize_float(0.0, scale, zero_point)), 127
    if activation == "RELU6":
        low, high = quantize_float(0.0, scale, zero_point), quantize_float(6.0, scale, zero_point)
        return max(-128, low), min(127, high)
    if activation == "RELU_N1_TO_1":
        low, high = quantize_float(-1.0, scale, zero_point), quantize_float(1.0, scale, zero_point)
        return max(-128, low), min(127, high)
    return -128, 127
