"""Functions of one int8 as tables of 256 answers, equal to TensorFlow Lite Micro's reference kernels.

Every function takes scales and zero points of input and output and returns int8 in the order of inputs -128..127.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from mcu.compiler.arithmetic import (
    Factor,
    clamp,
    divide_by_power_of_two,
    quantize_float,
    quantize_multiplier,
    rescale,
    round_half_away,
)
from mcu.compiler.fixed_point import exp_of_negative, logistic
from mcu.tflite import TfliteTensor

SOFTMAX_INTEGER_BITS = 5
LOGISTIC_INTEGER_BITS = 4


def _table(function: Callable[[int], int]) -> np.ndarray:
    return np.array([function(value) for value in range(-128, 128)], np.int8)


def requantize(source: TfliteTensor, target: TfliteTensor) -> np.ndarray:
    """QUANTIZE from int8 to int8."""
    factor = quantize_multiplier(source.scale / target.scale)
    return _table(lambda q: clamp(rescale(q - source.zero_point, factor) + target.zero_point))


def relu(source: TfliteTensor, target: TfliteTensor) -> np.ndarray:
    """RELU: rescaled to the output, not below its zero."""
    factor = quantize_multiplier(source.scale / target.scale)
    low = max(-128, target.zero_point)
    return _table(lambda q: clamp(rescale(q - source.zero_point, factor) + target.zero_point, low))


def relu6(source: TfliteTensor, target: TfliteTensor) -> np.ndarray:
    """RELU6: the reference clamps in the input's scale and does not rescale, whatever the output's scale is."""
    low, high = source.zero_point, clamp(quantize_float(6.0, source.scale, source.zero_point))
    return _table(lambda q: clamp(q, low, high))


def leaky_relu(source: TfliteTensor, target: TfliteTensor, alpha: float) -> np.ndarray:
    """LEAKY_RELU; a negative slope mirrors a positive one."""
    identity = quantize_multiplier(source.scale / target.scale)
    factor = source.scale * alpha / target.scale
    slope, sign = quantize_multiplier(abs(factor)), -1 if factor < 0 else 1

    def answer(q: int) -> int:
        value = q - source.zero_point
        scaled = rescale(value, identity) if value >= 0 else sign * rescale(value, slope)
        return clamp(scaled + target.zero_point)

    return _table(answer)


def hard_swish(source: TfliteTensor, target: TfliteTensor) -> np.ndarray:
    """HARD_SWISH in the reference's 16-bit fixed point (kernels/internal/reference/hard_swish.h)."""
    fine_scale = np.float32(1.0 / 128.0) * np.float32(source.scale)
    output = quantize_multiplier(float(fine_scale / np.float32(target.scale)))
    relu_like = quantize_multiplier(float(fine_scale / np.float32(3.0 / 32768.0)))
    output_16, relu_16 = _to_16_bits(output.multiplier), _to_16_bits(relu_like.multiplier)

    def answer(q: int) -> int:
        fine = _wrap16((q - source.zero_point) << 7)
        before_shift = _rounding_high_16(fine, output_16)
        gate = fine
        if relu_like.shift > 0:
            gate = _saturate16(gate << (relu_like.shift - 1))
        gate = _rounding_high_16(gate, relu_16)
        if relu_like.shift > 0:
            gate = _saturate16(gate << 1)
        elif relu_like.shift < 0:
            gate = divide_by_power_of_two(gate, -relu_like.shift)
        gate = (gate + (1 << 15)) >> 1
        product = gate * before_shift
        high = product >> 15 if product >= 0 else -(-product >> 15)
        return clamp(divide_by_power_of_two(high, -output.shift) + target.zero_point)

    return _table(answer)


def _to_16_bits(multiplier: int) -> int:
    return 32767 if multiplier >= 2**31 - (1 << 15) else (multiplier + (1 << 15)) >> 16


def _rounding_high_16(a: int, b: int) -> int:
    """gemmlowp's SaturatingRoundingDoublingHighMul on int16."""
    product = a * b
    nudged = product + ((1 << 14) if product >= 0 else 1 - (1 << 14))
    return nudged >> 15 if nudged >= 0 else -(-nudged >> 15)


def _wrap16(value: int) -> int:
    return (value + 2**15) % 2**16 - 2**15


def _saturate16(value: int) -> int:
    return clamp(value, -(2**15), 2**15 - 1)


def sigmoid(source: TfliteTensor, target: TfliteTensor) -> np.ndarray:
    """LOGISTIC; the output's scale is 1/256 and its zero point -128 by definition."""
    fraction, shift = math.frexp(source.scale * 2 ** (31 - LOGISTIC_INTEGER_BITS))
    factor = Factor(round_half_away(fraction * 2**31), shift)
    radius = _input_radius(LOGISTIC_INTEGER_BITS, shift)

    def answer(q: int) -> int:
        value = q - source.zero_point
        if value <= -radius:
            return -128
        if value >= radius:
            return 127
        wide = logistic(rescale(value, factor), LOGISTIC_INTEGER_BITS)
        return clamp(divide_by_power_of_two(wide, 31 - 8) - 128)

    return _table(answer)


def _input_radius(integer_bits: int, left_shift: int) -> int:
    return math.floor(((1 << integer_bits) - 1) * 2.0 ** (31 - integer_bits) / 2.0**left_shift)


def softmax_exponentials(scale: float, beta: float) -> np.ndarray:
    """exp of 0, 1, 2 … steps below the largest input, Q0.31 int32; ends where the reference stops counting."""
    factor = quantize_multiplier(min(beta * scale * 2 ** (31 - SOFTMAX_INTEGER_BITS), float(2**31 - 1)))
    radius = min(_input_radius(SOFTMAX_INTEGER_BITS, factor.shift), 255)
    return np.array(
        [exp_of_negative(rescale(-below, factor), SOFTMAX_INTEGER_BITS) for below in range(radius + 1)],
        np.int32,
    )
