"""CONCATENATION, PAD, SPACE_TO_DEPTH, DEPTH_TO_SPACE → kt_shape.h."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from mcu.compiler.problems import require_type, unsupported
from mcu.compiler.stage import Constant, Context, Kernel, Stage, TensorOffset
from mcu.tflite import TfliteOperator, TfliteTensor
from mcu.tflite.options import BlockOptions, ConcatenationOptions

CONCAT = Kernel("kt_concat_row", "kt_concat", "kt_shape.h", "kt_concat.c")
PAD = Kernel("kt_pad_row", "kt_pad", "kt_shape.h", "kt_pad.c")
SPACE_TO_DEPTH = Kernel("kt_space_to_depth_row", "kt_block", "kt_shape.h", "kt_space_to_depth.c")
DEPTH_TO_SPACE = Kernel("kt_depth_to_space_row", "kt_block", "kt_shape.h", "kt_depth_to_space.c")


def concatenation(context: Context, operator: TfliteOperator) -> Stage:
    options = operator.options
    assert isinstance(options, ConcatenationOptions)
    target = context.output(operator)
    require_type(context.model, operator, target, "int8", "the output")
    axis = options.axis % len(target.shape)
    if options.activation != "NONE":
        raise unsupported(context.model, operator, f"has the fused activation {options.activation}")
    inputs = [context.input(operator, position) for position in range(len(operator.inputs))]
    parts = []
    for tensor in inputs:
        require_type(context.model, operator, tensor, "int8", "the input")
        if (tensor.scale, tensor.zero_point) != (target.scale, target.zero_point):
            raise unsupported(
                context.model,
                operator,
                f"has the input '{tensor.name}' with scale {tensor.scale} and zero point {tensor.zero_point}, the "
                f"output {target.scale} and {target.zero_point}",
                hint="Give all inputs of a concatenation one range; TensorFlow Lite Micro refuses this too.",
            )
        constant = (
            Constant("weights", "int8_t", tensor.buffer.reshape(-1)) if tensor.buffer is not None else None
        )
        offset = TensorOffset(tensor.index) if constant is None else 0
        parts.append((constant, offset, prod(tensor.shape[axis:])))
    return Stage(
        operator=operator,
        layer=target.name,
        kernel=CONCAT,
        fields={
            "parts": Constant("table", "kt_concat_part", parts),
            "part_count": len(parts),
            "outer": prod(target.shape[:axis]),
        },
        source=-1,
        target=target.index,
        in_height=1,
        out_height=1,
        in_row_bytes=0,
        out_row_bytes=target.nbytes,
        reads=tuple(tensor.index for tensor in inputs if not tensor.is_constant),
    )


def pad(context: Context, operator: TfliteOperator) -> Stage:
    """PAD, and PADV2 with a constant value."""
    source, target = _tensors(context, operator)
    paddings = context.input(operator, 1).buffer
    if paddings is None or len(source.shape) > 4:
        raise unsupported(context.model, operator, f"pads {source.shape} by what is not constant")
    if (source.scale, source.zero_point) != (target.scale, target.zero_point):
        raise unsupported(context.model, operator, "changes the scale or the zero point")
    value = target.zero_point
    given = context.optional_input(operator, 2)
    if given is not None:
        if given.buffer is None or given.dtype != "int8":
            raise unsupported(context.model, operator, "pads with a value that is not a constant int8")
        value = int(given.buffer.reshape(-1)[0])
    missing = 4 - len(source.shape)
    return _whole(
        operator,
        PAD,
        source,
        target,
        {
            "shape": [1] * missing + list(target.shape),
            "before": [0] * missing + [int(row[0]) for row in paddings.reshape(-1, 2)],
            "inside": [1] * missing + list(source.shape),
            "value": value,
        },
    )


def space_to_depth(context: Context, operator: TfliteOperator) -> Stage:
    return _block(context, operator, SPACE_TO_DEPTH)


def depth_to_space(context: Context, operator: TfliteOperator) -> Stage:
    return _block(context, operator, DEPTH_TO_SPACE)


def _block(context: Context, operator: TfliteOperator, kernel: Kernel) -> Stage:
    options = operator.options
    assert isinstance(options, BlockOptions)
    source, target = _tensors(context, operator)
    if len(source.shape) != 4 or source.shape[0] != 1:
        raise unsupported(context.model, operator, f"has an input of shape {source.shape}")
    fields = {
        "in_height": source.shape[1],
        "in_width": source.shape[2],
        "in_channels": source.shape[3],
        "block": options.block_size,
    }
    return _whole(operator, kernel, source, target, fields)


def _whole(
    operator: TfliteOperator,
    kernel: Kernel,
    source: TfliteTensor,
    target: TfliteTensor,
    fields: Mapping[str, int | list[int]],
) -> Stage:
    return Stage(
        operator=operator,
        layer=target.name,
        kernel=kernel,
        fields=fields,
        source=source.index,
        target=target.index,
        in_height=1,
        out_height=1,
        in_row_bytes=source.nbytes,
        out_row_bytes=target.nbytes,
    )


def _tensors(context: Context, operator: TfliteOperator) -> tuple[TfliteTensor, TfliteTensor]:
    source, target = context.input(operator, 0), context.output(operator)
    for tensor, role in ((source, "the input"), (target, "the output")):
        require_type(context.model, operator, tensor, "int8", role)
    return source, target
