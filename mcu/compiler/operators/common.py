"""What several emit functions share: padding, per-channel factors, folded biases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcu.compiler.arithmetic import activation_range, quantize_multiplier
from mcu.compiler.check import MAX_DIMENSION
from mcu.compiler.problems import require_type, unsupported
from mcu.compiler.stage import Constant, Context
from mcu.tflite import TfliteOperator, TfliteTensor

MAX_WINDOW_ROWS = 64  # KT_MAX_WINDOW of kt_nn.h

# KT_ROUND_* of kt_conv.h
ROUND_ANY, ROUND_SIGNED, ROUND_RELU = 0, 1, 2


def window_padding(size: int, window: int, stride: int, dilation: int, padding: str) -> tuple[int, int]:
    """Output size and cells of padding before the input (TensorFlow's SAME and VALID)."""
    extent = (window - 1) * dilation + 1
    if padding == "SAME":
        out = -(-size // stride)
    else:
        out = -(-(size + 1 - extent) // stride)
    return out, max((out - 1) * stride + extent - size, 0) // 2


def image_tensors(
    context: Context, operator: TfliteOperator, *, position: int = 0
) -> tuple[TfliteTensor, TfliteTensor]:
    """Input and output, both int8 images of one sample."""
    source, target = context.input(operator, position), context.output(operator)
    for tensor, role in ((source, "the input"), (target, "the output")):
        require_type(context.model, operator, tensor, "int8", role)
        if len(tensor.shape) != 4 or tensor.shape[0] != 1:
            raise unsupported(
                context.model,
                operator,
                f"has {role} '{tensor.name}' of shape {tensor.shape}; the engine takes (1, height, width, channels)",
                hint="Export with a batch of 1.",
            )
    return source, target


def check_window(
    context: Context, operator: TfliteOperator, *, window: int, numbers: tuple[int, ...]
) -> None:
    """A window that the runner can walk; strides and dilations that fit the kernels' int16."""
    if window > MAX_WINDOW_ROWS or max(numbers, default=1) > MAX_DIMENSION or min(numbers, default=1) < 1:
        raise unsupported(
            context.model,
            operator,
            f"has a window of {window} rows, strides and dilations {numbers}; the engine takes {MAX_WINDOW_ROWS} rows",
        )


def check_output_size(
    context: Context, operator: TfliteOperator, target: TfliteTensor, expected: tuple[int, ...]
) -> None:
    if target.shape != expected:
        raise unsupported(
            context.model,
            operator,
            f"has an output of shape {target.shape} where {expected} follows from its options",
        )


@dataclass(frozen=True, eq=False)
class Channels:
    """Per output channel: bias, factor, and which rounding is exact."""

    bias: np.ndarray  # int32, the input's zero point folded in if asked for
    multiplier: np.ndarray  # int32
    shift: np.ndarray  # int8
    low: int
    high: int
    rounding: int

    def fields(self) -> dict[str, Constant]:
        return {
            "bias": Constant("bias", "int32_t", self.bias),
            "multiplier": Constant("requantization", "int32_t", self.multiplier),
            "shift": Constant("requantization", "int8_t", self.shift),
        }


def channels(
    context: Context,
    operator: TfliteOperator,
    *,
    source: TfliteTensor,
    weights: TfliteTensor,
    bias: TfliteTensor | None,
    target: TfliteTensor,
    activation: str,
    by_channel: np.ndarray,
    fold: bool = True,
    float32_product: bool = False,
) -> Channels:
    """Constants of the output channels.

    Args:
        by_channel: the weights as (output channel, everything that is added up).
        fold: subtract the input's zero point from the accumulator through the bias.
        float32_product: the reference multiplies the scales of input and weights in float32 (fully connected).
    """
    count = by_channel.shape[0]
    if activation not in ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"):
        raise unsupported(context.model, operator, f"has the fused activation {activation}")
    if len(weights.scales) not in (1, count) or any(weights.zero_points):
        raise unsupported(
            context.model,
            operator,
            f"has {len(weights.scales)} weight scales and zero points {sorted(set(weights.zero_points))} for {count} "
            "channels; the engine takes one or as many, and zero points of 0",
        )
    base = np.zeros(count, np.int64)
    if bias is not None:
        require_type(context.model, operator, bias, "int32", "the bias")
        assert bias.buffer is not None
        if bias.buffer.size != count:
            raise unsupported(context.model, operator, f"has {bias.buffer.size} biases for {count} channels")
        base = bias.buffer.reshape(-1).astype(np.int64)
    wide = by_channel.astype(np.int64)
    folded = base - source.zero_point * wide.sum(axis=1) if fold else base
    _check_accumulators(context, operator, folded, wide)
    scales = weights.scales if len(weights.scales) == count else weights.scales * count
    if float32_product and len(weights.scales) == 1:
        product = [float(np.float32(source.scale) * np.float32(scale)) for scale in scales]
    else:
        product = [source.scale * scale for scale in scales]
    factors = [quantize_multiplier(each / target.scale) for each in product]
    low, high = activation_range(activation, target.scale, target.zero_point)
    if low > high:
        raise unsupported(context.model, operator, f"has an activation whose limits cross ({low} > {high})")
    shifts = np.array([factor.shift for factor in factors], np.int8)
    return Channels(
        folded.astype(np.int32),
        np.array([factor.multiplier for factor in factors], np.int32),
        shifts,
        low,
        high,
        _rounding(shifts, np.array([f.multiplier for f in factors]), low, high, target.zero_point),
    )


def _check_accumulators(
    context: Context, operator: TfliteOperator, bias: np.ndarray, weights: np.ndarray
) -> None:
    """No input may carry the accumulator out of int32, neither at its end nor on the way."""
    reach = np.abs(bias) + 128 * np.abs(weights).sum(axis=1)
    if reach.size and reach.max() >= 2**31 - 2**12:
        worst = int(reach.argmax())
        raise unsupported(
            context.model,
            operator,
            f"can overflow its 32-bit accumulator in channel {worst} (bias {int(bias[worst])})",
            hint="Such a bias belongs to a channel whose scale is far too small: prune it or calibrate again.",
        )


def _rounding(shifts: np.ndarray, multipliers: np.ndarray, low: int, high: int, zero: int) -> int:
    # The fast kernels compute x + round(x * (2 * multiplier - 2**32) / 2**32) by SMMLAR, which needs a normalised
    # multiplier, and split the shift in two, which needs one to the right.
    normal = bool(np.all(shifts < 0) and np.all(multipliers >= 2**30))
    if not normal or (low, high) != (-128, 127):
        return ROUND_ANY
    return ROUND_RELU if low >= zero else ROUND_SIGNED
