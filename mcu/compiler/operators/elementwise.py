"""Element by element: tables of 256 answers, ADD, MUL → kt_elementwise.h."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mcu.compiler import tables
from mcu.compiler.arithmetic import activation_range, quantize_multiplier
from mcu.compiler.operators.common import check_output_size
from mcu.compiler.problems import require_type, unsupported
from mcu.compiler.stage import Constant, Context, Kernel, Stage, Value, rows_of
from mcu.tflite import TfliteOperator, TfliteTensor
from mcu.tflite.options import ActivationOptions, LeakyReluOptions

LUT = Kernel("kt_lut_row", "kt_lut", "kt_elementwise.h", "kt_lut.c")
ADD = Kernel("kt_add_row", "kt_add", "kt_elementwise.h", "kt_add.c")
ADD_DSP = Kernel("kt_add_row_dsp", "kt_add", "kt_elementwise.h", "kt_add_dsp.c")
ADD_BROADCAST = Kernel("kt_add_broadcast_row", "kt_binary", "kt_elementwise.h", "kt_add_broadcast.c")
MUL = Kernel("kt_mul_row", "kt_binary", "kt_elementwise.h", "kt_mul.c")
ADD_LEFT_SHIFT = 20


def quantize(context: Context, operator: TfliteOperator) -> Stage:
    return _table(context, operator, tables.requantize)


def relu(context: Context, operator: TfliteOperator) -> Stage:
    return _table(context, operator, tables.relu)


def relu6(context: Context, operator: TfliteOperator) -> Stage:
    return _table(context, operator, tables.relu6)


def hard_swish(context: Context, operator: TfliteOperator) -> Stage:
    return _table(context, operator, tables.hard_swish)


def logistic(context: Context, operator: TfliteOperator) -> Stage:
    target = context.output(operator)
    if (target.scale, target.zero_point) != (1 / 256, -128):
        raise unsupported(
            context.model, operator, f"has an output of scale {target.scale}, zero point {target.zero_point}"
        )
    return _table(context, operator, tables.sigmoid)


def leaky_relu(context: Context, operator: TfliteOperator) -> Stage:
    options = operator.options
    assert isinstance(options, LeakyReluOptions)
    return _table(context, operator, lambda a, b: tables.leaky_relu(a, b, options.alpha))


def _table(
    context: Context,
    operator: TfliteOperator,
    answers: Callable[[TfliteTensor, TfliteTensor], np.ndarray],
) -> Stage:
    source, target = context.input(operator, 0), context.output(operator)
    for tensor, role in ((source, "the input"), (target, "the output")):
        require_type(context.model, operator, tensor, "int8", role)
    check_output_size(context, operator, target, source.shape)
    height, row_bytes = rows_of(target.shape)
    table = Constant("table", "int8_t", answers(source, target))
    return Stage(
        operator=operator,
        layer=target.name,
        kernel=LUT,
        fields={"table": table, "count": row_bytes},
        source=source.index,
        target=target.index,
        in_height=height,
        out_height=height,
        in_row_bytes=row_bytes,
        out_row_bytes=row_bytes,
        in_place=True,
    )


def add(context: Context, operator: TfliteOperator) -> Stage:
    first, second, target = _operands(context, operator)
    twice_largest = 2 * max(first.scale, second.scale)
    factor_1 = quantize_multiplier(first.scale / twice_largest)
    factor_2 = quantize_multiplier(second.scale / twice_largest)
    factor_out = quantize_multiplier(twice_largest / ((1 << ADD_LEFT_SHIFT) * target.scale))
    if factor_out.shift > 0:
        raise unsupported(
            context.model,
            operator,
            f"has an output scale {target.scale} that is far below its inputs' scales",
        )
    fields: dict[str, Value] = {
        "multiplier_1": factor_1.multiplier,
        "shift_1": factor_1.shift,
        "multiplier_2": factor_2.multiplier,
        "shift_2": factor_2.shift,
        "multiplier_out": factor_out.multiplier,
        "shift_out": factor_out.shift,
    }
    if not first.shape == second.shape == target.shape:
        return _binary(context, operator, ADD_BROADCAST, first, second, target, fields)
    stage = _binary(context, operator, ADD, first, second, target, fields)
    kept = {
        key: value for key, value in stage.fields.items() if key not in ("shape", "strides_1", "strides_2")
    }
    full_range = (stage.fields["out_min"], stage.fields["out_max"]) == (-128, 127)
    fast = context.fast and full_range and factor_out.shift < 0
    # A scale far below the other's has the factor zero, which the fast kernel cannot express.
    fast = fast and min(factor_1.multiplier, factor_2.multiplier, factor_out.multiplier) >= 2**30
    return replace(stage, kernel=ADD_DSP if fast else ADD, fields={**kept, "count": stage.out_row_bytes})


def mul(context: Context, operator: TfliteOperator) -> Stage:
    first, second, target = _operands(context, operator)
    factor = quantize_multiplier(first.scale * second.scale / target.scale)
    fields: dict[str, Value] = {"multiplier_out": factor.multiplier, "shift_out": factor.shift}
    return _binary(context, operator, MUL, first, second, target, fields)


def _operands(context: Context, operator: TfliteOperator) -> tuple[TfliteTensor, TfliteTensor, TfliteTensor]:
    """Both operands, the one that the operator before has just computed first: it can be streamed."""
    first, second = context.input(operator, 0), context.input(operator, 1)
    for tensor, role in (
        (first, "an operand"),
        (second, "an operand"),
        (context.output(operator), "the output"),
    ):
        require_type(context.model, operator, tensor, "int8", role)
    if first.is_constant or context.producers.get(second.index) == operator.index - 1:
        first, second = second, first
    return first, second, context.output(operator)


def _binary(
    context: Context,
    operator: TfliteOperator,
    kernel: Kernel,
    first: TfliteTensor,
    second: TfliteTensor,
    target: TfliteTensor,
    factors: dict[str, Value],
) -> Stage:
    if first.is_constant:
        raise unsupported(context.model, operator, "has two constant operands")
    options = operator.options
    activation = options.activation if isinstance(options, ActivationOptions) else "NONE"
    low, high = activation_range(activation, target.scale, target.zero_point)
    same = first.shape == second.shape == target.shape
    height, row_bytes = rows_of(target.shape) if same else (1, target.nbytes)
    if same:
        shape, strides_1, strides_2 = [1, 1, 1, row_bytes], [0, 0, 0, 1], [0, 0, 0, 1]
    else:
        shape, strides_1, strides_2 = _broadcast(context, operator, first, second, target)
    other: int | Constant = second.index
    if second.buffer is not None:
        other = Constant("weights", "int8_t", second.buffer.reshape(-1))
    return Stage(
        operator=operator,
        layer=target.name,
        kernel=kernel,
        fields={
            **factors,
            "zero_1": first.zero_point,
            "zero_2": second.zero_point,
            "zero_out": target.zero_point,
            "out_min": low,
            "out_max": high,
            "shape": shape,
            "strides_1": strides_1,
            "strides_2": strides_2,
        },
        source=first.index,
        second=other,
        target=target.index,
        in_height=height,
        out_height=height,
        in_row_bytes=row_bytes if same else first.nbytes,
        out_row_bytes=row_bytes,
        in_place=same,
    )


def _broadcast(
    context: Context,
    operator: TfliteOperator,
    first: TfliteTensor,
    second: TfliteTensor,
    target: TfliteTensor,
) -> tuple[list[int], list[int], list[int]]:
    """Output shape and both operands' strides in four dimensions, neighbours merged where they walk alike."""
    rank = len(target.shape)
    shapes = [(1,) * (rank - len(each.shape)) + tuple(each.shape) for each in (first, second)]
    strides = [_strides(shape) for shape in shapes]
    merged: list[list[int]] = []  # [size, stride 1, stride 2], outermost first
    for axis, size in enumerate(target.shape):
        for shape in shapes:
            if shape[axis] not in (1, size):
                raise unsupported(
                    context.model,
                    operator,
                    f"cannot broadcast {first.shape} and {second.shape} to {target.shape}",
                )
        if size == 1:
            continue
        row = [
            size,
            *(stride[axis] if shape[axis] > 1 else 0 for shape, stride in zip(shapes, strides, strict=True)),
        ]
        if merged and all(merged[-1][i] == row[i] * size for i in (1, 2)):
            merged[-1] = [merged[-1][0] * size, row[1], row[2]]
        else:
            merged.append(row)
    if len(merged) > 4:
        raise unsupported(
            context.model, operator, f"broadcasts along too many axes ({first.shape}, {second.shape})"
        )
    padded = [[1, 0, 0]] * (4 - len(merged)) + merged
    return [row[0] for row in padded], [row[1] for row in padded], [row[2] for row in padded]


def _strides(shape: tuple[int, ...]) -> list[int]:
    return [int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis in range(len(shape))]
