"""MEAN and SOFTMAX → kt_reduce.h."""

from __future__ import annotations

from math import prod

from mcu.compiler import tables
from mcu.compiler.arithmetic import quantize_multiplier
from mcu.compiler.problems import require_type, unsupported
from mcu.compiler.stage import Constant, Context, Kernel, Stage
from mcu.tflite import TfliteOperator, TfliteTensor
from mcu.tflite.options import SoftmaxOptions

MEAN = Kernel("kt_mean_row", "kt_mean", "kt_reduce.h", "kt_mean.c")
SOFTMAX = Kernel("kt_softmax_row", "kt_softmax", "kt_reduce.h", "kt_softmax.c")


def mean(context: Context, operator: TfliteOperator) -> Stage:
    source, target = _tensors(context, operator)
    axes = context.input(operator, 1).buffer
    if axes is None:
        raise unsupported(context.model, operator, "has axes that are not constant")
    rank = len(source.shape)
    # Axes of size 1 change nothing; the others have to be neighbours to be one axis.
    chosen = sorted({int(axis) % rank for axis in axes.reshape(-1)})
    reduced = [axis for axis in chosen if source.shape[axis] > 1]
    first, last = (reduced[0], reduced[-1]) if reduced else (0, -1)
    between = [axis for axis in range(first, last + 1) if source.shape[axis] > 1]
    if between != reduced:
        raise unsupported(
            context.model, operator, f"averages over the separated axes {chosen} of {source.shape}"
        )
    count = prod(source.shape[axis] for axis in reduced)
    # 1 / count goes into the factor (kernels/internal/reference/reduce.h, QuantizedMeanOrSum).
    factor = quantize_multiplier(source.scale / target.scale)
    shift = min(count.bit_length() - 1, 32, 31 + factor.shift)
    return Stage(
        operator=operator,
        layer=target.name,
        kernel=MEAN,
        fields={
            "outer": prod(source.shape[:first]),
            "count": count,
            "inner": prod(source.shape[last + 1 :]),
            "multiplier": (factor.multiplier << shift) // count,
            "sum_of_zeros": count * source.zero_point,
            "shift": factor.shift - shift,
            "out_zero": target.zero_point,
        },
        source=source.index,
        target=target.index,
        in_height=1,
        out_height=1,
        in_row_bytes=source.nbytes,
        out_row_bytes=target.nbytes,
    )


def softmax(context: Context, operator: TfliteOperator) -> Stage:
    options = operator.options
    assert isinstance(options, SoftmaxOptions)
    source, target = _tensors(context, operator)
    if (target.scale, target.zero_point) != (1 / 256, -128):
        raise unsupported(
            context.model, operator, f"has an output of scale {target.scale}, zero point {target.zero_point}"
        )
    exponentials = tables.softmax_exponentials(source.scale, options.beta)
    return Stage(
        operator=operator,
        layer=target.name,
        kernel=SOFTMAX,
        fields={
            "exponentials": Constant("table", "int32_t", exponentials),
            "exponential_count": exponentials.size,
            "outer": prod(source.shape[:-1]),
            "depth": source.shape[-1],
        },
        source=source.index,
        target=target.index,
        in_height=1,
        out_height=1,
        in_row_bytes=source.nbytes,
        out_row_bytes=target.nbytes,
        in_place=True,
    )


def _tensors(context: Context, operator: TfliteOperator) -> tuple[TfliteTensor, TfliteTensor]:
    source, target = context.input(operator, 0), context.output(operator)
    for tensor, role in ((source, "the input"), (target, "the output")):
        require_type(context.model, operator, tensor, "int8", role)
    return source, target
