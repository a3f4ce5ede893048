"""Check that a graph hangs together: tensors computed before use, shapes as each operator makes them.

TensorFlow Lite Micro trusts the shapes in the file and reads or writes beyond its arena where they are wrong
(tensorflow/lite/micro/kernels: sizes are taken from the tensors, checks are compiled out of release builds).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod

from mcu.errors import ModelFileError
from mcu.tflite.model import TfliteModel, TfliteOperator, TfliteTensor
from mcu.tflite.options import (
    BlockOptions,
    ConcatenationOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    FullyConnectedOptions,
    Pool2DOptions,
    ReducerOptions,
    SoftmaxOptions,
    TransposeConvOptions,
)

# Far beyond what any network needs; kernels end the process on multipliers that they cannot represent.
MIN_SCALE, MAX_SCALE = 2.0**-60, 2.0**60
ADD_SHIFT = 20  # headroom bits of ADD and SUB (tensorflow/lite/micro/kernels/add_common.cc)
SOFTMAX_SHIFT = 26  # of its input's multiplier (tensorflow/lite/kernels/internal/quantization_util.cc)

Shape = tuple[int, ...]
Inputs = tuple[TfliteTensor | None, ...]


class _Mismatch(Exception):
    """What an operator's rule says against it."""


@dataclass(frozen=True)
class Inconsistency:
    """Something in a graph that does not hang together, at an operator or at a tensor that nothing computes."""

    operator: TfliteOperator | None
    tensor: TfliteTensor | None
    reason: str


def check_graph(model: TfliteModel) -> None:
    """Raise unless every tensor is computed once and before its use, and every known operator's shapes fit.

    Raises:
        ModelFileError: with the operator and the tensor named.
    """
    for found in inconsistencies(model):
        tensor = f"'{found.tensor.name}'" if found.tensor else "the graph"
        where = (
            f"Operator {found.operator.index} ({found.operator.name}, {tensor})" if found.operator else tensor
        )
        raise ModelFileError(
            f"{where} {found.reason}.", hint="The .tflite file is inconsistent; export it again."
        )


def inconsistencies(model: TfliteModel) -> Iterator[Inconsistency]:
    """Everything that `check_graph` would raise for, in the order of the operators."""
    if not (model.operators and model.inputs and model.outputs):
        yield Inconsistency(None, None, "has no operators, no input or no output")
    known = {tensor.index for tensor in model.tensors if tensor.is_constant or tensor.is_variable}
    known.update(model.inputs)
    for operator in model.operators:
        first = model.tensors[operator.outputs[0]] if operator.outputs else None
        for index in operator.inputs:
            if index >= 0 and index not in known:
                name = model.tensors[index].name
                yield Inconsistency(operator, first, f"reads '{name}' before it is computed")
        for index in operator.outputs:
            if index in known:
                name = model.tensors[index].name
                yield Inconsistency(operator, first, f"computes '{name}', which exists already")
        known.update(operator.outputs)
        try:
            _check_shapes(operator, model)
        except _Mismatch as mismatch:
            yield Inconsistency(operator, first, str(mismatch))
    for index in model.outputs:
        if index not in known:
            yield Inconsistency(None, model.tensors[index], "is an output that nothing computes")


def _check_shapes(operator: TfliteOperator, model: TfliteModel) -> None:
    rule = RULES.get(operator.name)
    if rule is None or operator.is_custom:
        return
    inputs, outputs = model.inputs_of(operator), model.outputs_of(operator)
    if None in inputs and operator.name != "FULLY_CONNECTED":
        # Kernels count their inputs and then follow each index; only this one looks for -1.
        raise _Mismatch(f"leaves out input {inputs.index(None)}")
    if len(outputs) != 1:
        raise _Mismatch(f"has {len(outputs)} outputs, not 1")
    for tensor in (*inputs, *outputs):
        if tensor is not None and tensor.nbytes == 0:
            raise _Mismatch(f"has the empty tensor '{tensor.name}' {tensor.shape}")
    expected = rule(operator, inputs, outputs[0])
    if expected != outputs[0].shape:
        raise _Mismatch(f"makes {expected}, but its output '{outputs[0].name}' is {outputs[0].shape}")


def window_output(size: int, kernel: int, stride: int, dilation: int, padding: str) -> int:
    """How many positions a window of `kernel` taps takes along `size` (TensorFlow's SAME and VALID)."""
    if padding == "SAME":
        return -(-size // stride)
    return max(0, -(-(size - (kernel - 1) * dilation) // stride))


def _needed(inputs: Inputs, position: int, *, rank: int | None = None) -> TfliteTensor:
    tensor = inputs[position] if position < len(inputs) else None
    if tensor is None:
        raise _Mismatch(f"lacks input {position}")
    if rank is not None and len(tensor.shape) != rank:
        raise _Mismatch(
            f"has input '{tensor.name}' of shape {tensor.shape}, which must have {rank} dimensions"
        )
    return tensor


def _constant_integers(inputs: Inputs, position: int) -> list[int]:
    tensor = _needed(inputs, position)
    if tensor.buffer is None:
        raise _Mismatch(f"takes '{tensor.name}' from a computed tensor, not from a constant")
    if tensor.dtype not in ("int32", "int64"):
        raise _Mismatch(f"takes '{tensor.name}' as {tensor.dtype}, not as integers")
    return tensor.buffer.reshape(-1).tolist()


def _check_channels(inputs: Inputs, position: int, channels: int) -> None:
    """An optional bias has one value for each channel."""
    bias = inputs[position] if position < len(inputs) else None
    if bias is not None and bias.shape != (channels,):
        raise _Mismatch(f"has a bias of shape {bias.shape} for {channels} channels")


def _quantized(*tensors: TfliteTensor) -> None:
    """Kernels divide by the scales of their int8 tensors and shift by the quotients' exponents."""
    for tensor in tensors:
        if tensor.dtype in ("int8", "uint8", "int16"):
            if not tensor.scales:
                raise _Mismatch(f"needs a scale for the {tensor.dtype} tensor '{tensor.name}'")
            if not all(MIN_SCALE <= scale <= MAX_SCALE for scale in tensor.scales):
                raise _Mismatch(f"has a scale of {min(tensor.scales)} for the tensor '{tensor.name}'")


def _conv(operator: TfliteOperator, inputs: Inputs, output: TfliteTensor) -> Shape:
    x, weights = _needed(inputs, 0, rank=4), _needed(inputs, 1, rank=4)
    _quantized(x, weights, output)
    options = operator.options
    if isinstance(options, Conv2DOptions):
        channels = weights.shape[0]
        # Fewer channels in the weights than in the input: a grouped convolution.
        if x.shape[3] % weights.shape[3] or channels % (x.shape[3] // weights.shape[3]):
            raise _Mismatch(f"has weights {weights.shape} for an input {x.shape}")
    else:
        assert isinstance(options, DepthwiseConv2DOptions)
        channels = weights.shape[3]
        if channels % x.shape[3] or weights.shape[0] != 1:
            raise _Mismatch(f"has weights {weights.shape} for an input {x.shape}")
    _check_channels(inputs, 2, channels)
    if len(weights.scales) not in (0, 1, channels):
        raise _Mismatch(f"has {len(weights.scales)} weight scales for {channels} channels")
    height = window_output(
        x.shape[1], weights.shape[1], options.stride_height, options.dilation_height, options.padding
    )
    width = window_output(
        x.shape[2], weights.shape[2], options.stride_width, options.dilation_width, options.padding
    )
    return x.shape[0], height, width, channels


def _transpose_conv(operator: TfliteOperator, inputs: Inputs, output: TfliteTensor) -> Shape:
    weights, x = _needed(inputs, 1, rank=4), _needed(inputs, 2, rank=4)
    options = operator.options
    assert isinstance(options, TransposeConvOptions)
    _quantized(x, weights, output)
    shape = tuple(_constant_integers(inputs, 0))
    if len(shape) != 4 or min(shape) < 1 or weights.shape[3] != x.shape[3]:
        raise _Mismatch(f"makes {shape} of an input {x.shape} with weights {weights.shape}")
    _check_channels(inputs, 3, weights.shape[0])
    # It is a convolution's way back: that convolution takes `shape` to the input.
    height = window_output(shape[1], weights.shape[1], options.stride_height, 1, options.padding)
    width = window_output(shape[2], weights.shape[2], options.stride_width, 1, options.padding)
    if (shape[0], height, width) != x.shape[:3] or shape[3] != weights.shape[0]:
        raise _Mismatch(f"makes {shape} of an input {x.shape} with weights {weights.shape}")
    return shape


def _dense(operator: TfliteOperator, inputs: Inputs, output: TfliteTensor) -> Shape:
    x, weights = _needed(inputs, 0), _needed(inputs, 1, rank=2)
    _quantized(x, weights, output)
    units, depth = weights.shape
    if prod(x.shape) % depth:
        raise _Mismatch(f"has weights {weights.shape} for an input {x.shape}")
    _check_channels(inputs, 2, units)
    assert isinstance(operator.options, FullyConnectedOptions)
    if operator.options.keep_num_dims:
        return (*x.shape[:-1], units)
    return prod(x.shape) // depth, units


def _pool(operator: TfliteOperator, inputs: Inputs, output: TfliteTensor) -> Shape:
    x, options = _needed(inputs, 0, rank=4), operator.options
    assert isinstance(options, Pool2DOptions)
    height = window_output(x.shape[1], options.filter_height, options.stride_height, 1, options.padding)
    width = window_output(x.shape[2], options.filter_width, options.stride_width, 1, options.padding)
    return x.shape[0], height, width, x.shape[3]


def _broadcast(operator: TfliteOperator, inputs: Inputs, output: TfliteTensor) -> Shape:
    a, b = _needed(inputs, 0), _needed(inputs, 1)
    _quantized(a, b, output)
    if operator.name in ("ADD", "SUB") and output.dtype == "int8":
        largest = max(a.scale, b.scale)
        if 2 * largest >= output.scale * 2**ADD_SHIFT:
            raise _Mismatch(f"cannot bring the scale {largest} to the output's {output.scale}")
    rank = max(len(a.shape), len(b.shape))
    sides = []
    for p, q in zip(_padded(a.shape, rank), _padded(b.shape, rank), strict=True):
        if p != q and 1 not in (p, q):
            raise _Mismatch(f"combines {a.shape} with {b.shape}")
        sides.append(max(p, q))
    return tuple(sides)


def _padded(shape: Shape, rank: int) -> Shape:
    return (1,) * (rank - len(shape)) + shape


def _mean(operator: TfliteOperator, inputs: Inputs, output: TfliteTensor) -> Shape:
    x, options = _needed(inputs, 0), operator.options
    assert isinstance(options, ReducerOptions)
    rank = len(x.shape)
    axes = _constant_integers(inputs, 1)
    if any(not -rank <= axis < rank for axis in axes):
        raise _Mismatch(f"takes the mean of {x.shape} along {axes}")
    axes = [axis % rank for axis in axes]
    if options.keep_dims:
        return tuple(1 if axis in axes else side for axis, side in enumerate(x.shape))
    return tuple(side for axis, side in enumerate(x.shape) if axis not in axes)


def _concatenation(operator: TfliteOperator, inputs: Inputs, output: TfliteTensor) -> Shape:
    tensors = [_needed(inputs, position) for position in range(len(inputs))]
    options = operator.options
    assert isinstance(options, ConcatenationOptions)
    if not tensors:
        raise _Mismatch("has no inputs")
    first, rank = tensors[0].shape, len(tensors[0].shape)
    if not -rank <= options.axis < rank:
        raise _Mismatch(f"joins {first} along axis {options.axis}")
    axis = options.axis % rank
    for tensor in tensors:
        if len(tensor.shape) != rank or any(
            tensor.shape[each] != first[each] for each in range(rank) if each != axis
        ):
            raise _Mismatch(f"joins {first} and {tensor.shape} along axis {axis}")
    return (*first[:axis], sum(tensor.shape[axis] for tensor in tensors), *first[axis + 1 :])


def _pad(operator: TfliteOperator, inputs: Inputs, output: TfliteTensor) -> Shape:
    x, amounts = _needed(inputs, 0), _constant_integers(inputs, 1)
    if len(amounts) != 2 * len(x.shape) or min(amounts, default=0) < 0:
        raise _Mismatch(f"pads {x.shape} by {amounts}")
    return tuple(
        side + before + after
        for side, before, after in zip(x.shape, amounts[::2], amounts[1::2], strict=True)
    )


def _reshape(operator: TfliteOperator, inputs: Inputs, output: TfliteTensor) -> Shape:
    x = _needed(inputs, 0)
    if prod(x.shape) != prod(output.shape):
        raise _Mismatch(f"makes {output.shape} of {x.shape}")
    return output.shape


def _resize(operator: TfliteOperator, inputs: Inputs, output: TfliteTensor) -> Shape:
    x, size = _needed(inputs, 0, rank=4), _constant_integers(inputs, 1)
    if len(size) != 2 or min(size) < 1:
        raise _Mismatch(f"resizes {x.shape} to {size}")
    return x.shape[0], size[0], size[1], x.shape[3]


def _space_to_depth(operator: TfliteOperator, inputs: Inputs, output: TfliteTensor) -> Shape:
    x, options = _needed(inputs, 0, rank=4), operator.options
    assert isinstance(options, BlockOptions)
    block = options.block_size
    if x.shape[1] % block or x.shape[2] % block:
        raise _Mismatch(f"cuts {x.shape} into blocks of {block}")
    return x.shape[0], x.shape[1] // block, x.shape[2] // block, x.shape[3] * block * block


def _depth_to_space(operator: TfliteOperator, inputs: Inputs, output: TfliteTensor) -> Shape:
    x, options = _needed(inputs, 0, rank=4), operator.options
    assert isinstance(options, BlockOptions)
    block = options.block_size
    if x.shape[3] % (block * block):
        raise _Mismatch(f"spreads {x.shape} over blocks of {block}")
    return x.shape[0], x.shape[1] * block, x.shape[2] * block, x.shape[3] // (block * block)


def _same(operator: TfliteOperator, inputs: Inputs, output: TfliteTensor) -> Shape:
    x = _needed(inputs, 0)
    _quantized(x, output)
    return x.shape


def _softmax(operator: TfliteOperator, inputs: Inputs, output: TfliteTensor) -> Shape:
    x = _needed(inputs, 0)
    _quantized(x, output)
    assert isinstance(operator.options, SoftmaxOptions)
    beta = operator.options.beta
    if x.dtype == "int8" and not beta * x.scale * 2**SOFTMAX_SHIFT > 1:
        raise _Mismatch(f"cannot represent beta {beta} times the scale {x.scale}")
    return x.shape


RULES: dict[str, Callable[[TfliteOperator, Inputs, TfliteTensor], Shape]] = {
    "ADD": _broadcast,
    "AVERAGE_POOL_2D": _pool,
    "CONCATENATION": _concatenation,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _conv,
    "DEPTH_TO_SPACE": _depth_to_space,
    "DEQUANTIZE": _same,
    "FULLY_CONNECTED": _dense,
    "HARD_SWISH": _same,
    "LEAKY_RELU": _same,
    "LOGISTIC": _same,
    "MAX_POOL_2D": _pool,
    "MEAN": _mean,
    "MUL": _broadcast,
    "PAD": _pad,
    "PADV2": _pad,
    "QUANTIZE": _same,
    "RELU": _same,
    "RELU6": _same,
    "RESHAPE": _reshape,
    "RESIZE_BILINEAR": _resize,
    "RESIZE_NEAREST_NEIGHBOR": _resize,
    "SOFTMAX": _softmax,
    "SPACE_TO_DEPTH": _space_to_depth,
    "SUB": _broadcast,
    "TANH": _same,
    "TRANSPOSE_CONV": _transpose_conv,
}
