"""What several emit functions share: padding, per-channel factors, folded biases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcu.compiler.arithmetic import Factor, activation_range, quantize_multiplier, rescale
from mcu.compiler.check import MAX_DIMENSION
from mcu.compiler.problems import require_type, unsupported
from mcu.compiler.stage import Constant, Context, Value
from mcu.tflite import TfliteOperator, TfliteTensor

MAX_WINDOW_ROWS = 64  # KT_MAX_WINDOW of kt_nn.h

# kt_channel of kt_conv.h: the shift to the right takes the lowest bits of the bias's word.
SHIFT_BITS = 5
BIAS_LIMIT = 1 << (31 - SHIFT_BITS)


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
    """Constants of the output channels.

    Attributes:
        weights: int8 (output channel, everything that is added up).
        bias: int32, the input's zero point folded in if asked for.
        multiplier, shift: the factors; int32 and int8.
        low, high: limits of the output.
        is_relu: negative accumulators do not show.
        is_fast: kt_channel holds every channel, and the fast kernels' arithmetic is exact for it.
    """

    weights: np.ndarray
    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray
    low: int
    high: int
    is_relu: bool
    is_fast: bool

    def fields(self) -> dict[str, Value]:
        """For the portable kernels."""
        return {
            "bias": Constant("bias", "int32_t", self.bias),
            "multiplier": Constant("requantization", "int32_t", self.multiplier),
            "shift": Constant("requantization", "int8_t", self.shift),
            "out_min": self.low,
            "out_max": self.high,
        }

    def fast_fields(self) -> dict[str, Value]:
        """For the fast kernels: kt_channel of kt_conv.h."""
        packed = self.bias.astype(np.int64) * (1 << SHIFT_BITS) + (-self.shift.astype(np.int64) - 1)
        doubled = 2 * self.multiplier.astype(np.int64) - (1 << 32)
        rows = np.stack([packed, doubled], axis=1)
        shares = {"bias": self.bias.nbytes, "requantization": self.multiplier.nbytes}
        return {"channels": Constant("channels", "kt_channel", rows.tolist(), shares=shares)}


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
    is_fast = context.fast and fold and (low, high) == (-128, 127)
    if is_fast:
        by_channel = by_channel.copy()
        for channel, factor in enumerate(factors):
            if not _is_fast(int(folded[channel]), factor):
                answer = _only_answer(int(folded[channel]), wide[channel], factor, target.zero_point)
                is_fast &= answer is not None
                if answer is not None:
                    # The same answer without any input: four times it, and a factor of one quarter.
                    by_channel[channel], folded[channel] = 0, 4 * (answer - target.zero_point)
                    factors[channel] = Factor(1 << 30, -1)
    return Channels(
        weights=by_channel,
        bias=folded.astype(np.int32),
        multiplier=np.array([factor.multiplier for factor in factors], np.int32),
        shift=np.array([factor.shift for factor in factors], np.int8),
        low=low,
        high=high,
        is_relu=low >= target.zero_point,
        is_fast=is_fast,
    )


def _is_fast(bias: int, factor: Factor) -> bool:
    # The fast kernels compute x + round(x * (2 * multiplier - 2**32) / 2**32) by SMMLAR, which needs a normalised
    # multiplier, and split the shift in two, which needs one to the right.
    return factor.shift < 0 and factor.multiplier >= 1 << 30 and abs(bias) < BIAS_LIMIT


def _only_answer(bias: int, weights: np.ndarray, factor: Factor, zero_point: int) -> int | None:
    """What a channel answers if that is the same for every input, as dead channels with a huge bias do."""
    reach = 128 * int(np.abs(weights).sum())
    if (abs(bias) + reach) << max(factor.shift, 0) >= 1 << 31:
        return None  # the shift to the left drops bits: more no longer means more
    lowest, highest = (
        min(max(rescale(each, factor) + zero_point, -128), 127) for each in (bias - reach, bias + reach)
    )
    return lowest if lowest == highest else None


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
