"""Rules of the audit about layers: weights, folded BatchNorm, needless QUANTIZE, scales that must be equal."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from keras_tiny.export.audit_rules import Graph, Problem
from keras_tiny.profile.memory import scratch_bytes
from mcu.tflite import TfliteOperator, TfliteTensor
from mcu.tflite.options import (
    Conv2DOptions,
    DepthwiseConv2DOptions,
    FullyConnectedOptions,
    TransposeConvOptions,
)

# Operator → positions of input, weights and bias, and the weights' dimension of output channels.
WEIGHTED = {
    "CONV_2D": (0, 1, 2, 0),
    "DEPTHWISE_CONV_2D": (0, 1, 2, 3),
    "FULLY_CONNECTED": (0, 1, 2, 0),
    "TRANSPOSE_CONV": (2, 1, 3, 0),
}
# tfmot quantizes these per channel, and so do we; the converter knows the two others per tensor only.
PER_CHANNEL = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D"})

# The kernels copy or compare integers, or (CONCATENATION) refuse: inputs and output must have one scale.
SAME_SCALE = frozenset(
    {
        "AVERAGE_POOL_2D",
        "CONCATENATION",
        "DEPTH_TO_SPACE",
        "MAX_POOL_2D",
        "PAD",
        "PADV2",
        "RESHAPE",
        "RESIZE_BILINEAR",
        "RESIZE_NEAREST_NEIGHBOR",
        "SPACE_TO_DEPTH",
        "SQUEEZE",
        "TRANSPOSE",
    }
)
MAX_CONCATENATION_INPUTS = 10  # kMaxInputNum in tensorflow/lite/micro/kernels/concatenation.cc
BIAS_SCALE_TOLERANCE = 1e-3  # far above rounding to float32, far below what an answer would show

Finding = Problem | str


def weights(graph: Graph) -> Iterator[Finding]:
    """Weights are symmetric int8 constants, per channel where we can; a bias has the scale of input times weights."""
    for operator in graph.model.operators:
        if operator.name not in WEIGHTED:
            continue
        x_at, weights_at, bias_at, dimension = WEIGHTED[operator.name]
        inputs = graph.model.inputs_of(operator)
        x, kernel = _input(inputs, x_at), _input(inputs, weights_at)
        if x is None or kernel is None or x.dtype != "int8":
            continue  # a rule about the file has named it
        if not kernel.is_constant:
            yield graph.at(operator, "the weights are computed, not constant", tensor=kernel)
            continue
        if any(kernel.zero_points):
            yield graph.at(operator, "the weights have a zero point other than 0", tensor=kernel)
        channels = kernel.shape[dimension] if len(kernel.shape) > dimension else 1
        if operator.name in PER_CHANNEL and channels > 1 and len(kernel.scales) == 1:
            yield graph.at(
                operator, f"one scale for the weights of {channels} channels, not one each", tensor=kernel
            )
        yield from _bias(graph, operator, x, kernel, _input(inputs, bias_at))


def _bias(
    graph: Graph, operator: TfliteOperator, x: TfliteTensor, kernel: TfliteTensor, bias: TfliteTensor | None
) -> Iterator[Finding]:
    if bias is None:
        return
    if not bias.is_constant:
        yield graph.at(operator, "the bias is computed, not constant", tensor=bias)
    elif bias.dtype != "int32":
        yield graph.at(operator, f"the bias is {bias.dtype}, not int32", tensor=bias)
    elif kernel.scales and len(bias.scales) in (1, len(kernel.scales)):
        expected = [x.scale * scale for scale in kernel.scales]
        found = bias.scales * (len(expected) // len(bias.scales))
        if any(abs(a - b) > BIAS_SCALE_TOLERANCE * b for a, b in zip(found, expected, strict=True)):
            yield graph.at(operator, "the bias has another scale than input times weights", tensor=bias)
        elif _of_the_first_channel(bias):
            yield graph.at(
                operator,
                f"the bias is {_integers(bias)[0]} in every channel, at scales that differ: it was one value for "
                "all of them, and the converter has rounded it with the first channel's scale",
                tensor=bias,
            )


def _of_the_first_channel(bias: TfliteTensor) -> bool:
    """Whether a bias of equal values was quantized as if all channels had the first one's scale.

    Values that differ may round to one integer too, small ones in few channels: n of them fall on the same k with a
    chance of about k^(1 - n).
    """
    if max(bias.scales) - min(bias.scales) <= BIAS_SCALE_TOLERANCE * max(bias.scales):
        return False
    values = _integers(bias)
    return len(set(values)) == 1 and abs(values[0]) ** (len(values) - 1) > 1e6


def _integers(bias: TfliteTensor) -> list[int]:
    return [] if bias.buffer is None else bias.buffer.reshape(-1).tolist()


def _input(inputs: tuple[TfliteTensor | None, ...], position: int) -> TfliteTensor | None:
    return inputs[position] if position < len(inputs) else None


def batch_norm(graph: Graph) -> Iterator[Finding]:
    """A BatchNorm behind a convolution is in its weights; any other is at most one MUL and one ADD, and is noted.

    What is left of a BatchNorm multiplies by one constant per channel and adds another. A product with a single number
    (a sixth, in a hard sigmoid) is none, nor is a sum of every channel with the same one (the three).
    """
    seen: set[int] = set()
    for operator in graph.model.operators:
        if operator.index in seen or not _scales_channels(graph, operator):
            continue
        chain = _chain(graph, operator)
        seen.update(each.index for each in chain)
        before = _producer(graph, operator)
        names = " and ".join(each.name for each in chain)
        if before is not None and before.name in WEIGHTED and _activation(before) == "NONE":
            for each in chain:
                yield graph.at(each, f"BatchNorm not folded into the {before.name} before it")
        elif len(chain) > 2 or len({each.name == "MUL" for each in chain}) < len(chain):
            for each in chain:
                yield graph.at(
                    each, f"BatchNorm in {len(chain)} steps ({names}); one MUL and one ADD are enough"
                )
        else:
            yield f"{names} in layer '{graph.model.layer_of(operator)}': a BatchNorm that no convolution comes before"


def _scales_channels(graph: Graph, operator: TfliteOperator) -> bool:
    """Whether it combines a tensor with one constant for each of several channels."""
    if operator.name not in ("MUL", "ADD", "SUB"):
        return False
    constants = [each for each in graph.model.inputs_of(operator) if each is not None and each.is_constant]
    outputs = graph.model.outputs_of(operator)
    if len(constants) != 1 or not outputs or not outputs[0].shape:
        return False
    (constant,) = constants
    if operator.name == "ADD" and constant.buffer is not None and len(set(constant.buffer.flat)) == 1:
        return False
    channels = outputs[0].shape[-1]
    return (
        channels > 1 and constant.shape[-1:] == (channels,) and constant.nbytes == channels * _item(constant)
    )


def _item(tensor: TfliteTensor) -> int:
    return tensor.buffer.itemsize if tensor.buffer is not None else 1


def _producer(graph: Graph, operator: TfliteOperator) -> TfliteOperator | None:
    """What computes its first computed input."""
    for index in operator.inputs:
        if index in graph.producers:
            return graph.producers[index]
    return None


def _chain(graph: Graph, operator: TfliteOperator) -> list[TfliteOperator]:
    """The operator and those of its kind that directly follow it, each the only reader of the one before."""
    chain = [operator]
    while len(readers := graph.consumers.get(chain[-1].outputs[0], ())) == 1 and _scales_channels(
        graph, readers[0]
    ):
        if _activation(chain[-1]) != "NONE" or readers[0] in chain:
            break
        chain.append(readers[0])
    return chain


def _activation(operator: TfliteOperator) -> str:
    options = operator.options
    if isinstance(
        options, Conv2DOptions | DepthwiseConv2DOptions | TransposeConvOptions | FullyConnectedOptions
    ):
        return options.activation
    return getattr(options, "activation", "NONE")


def quantize(graph: Graph) -> Iterator[Finding]:
    """A QUANTIZE is needed where branches of different ranges meet, nowhere else."""
    model = graph.model
    for operator in model.operators:
        if (
            operator.name != "QUANTIZE"
            or not operator.inputs
            or operator.inputs[0] < 0
            or not operator.outputs
        ):
            continue
        before, after = model.tensors[operator.inputs[0]], model.tensors[operator.outputs[0]]
        maker = graph.producers.get(before.index)
        readers = graph.consumers.get(after.index, ())
        if (before.dtype, before.scales, before.zero_points) == (
            after.dtype,
            after.scales,
            after.zero_points,
        ):
            yield graph.at(operator, "QUANTIZE between equal scales does nothing")
        elif before.index in model.inputs:
            yield graph.at(operator, "QUANTIZE at the model's input; let the input have that scale")
        elif after.index in model.outputs:
            yield graph.at(
                operator, "QUANTIZE at the model's output; let the operator before it write that scale"
            )
        elif before.dtype != "int8" or after.dtype != "int8":
            yield graph.at(operator, f"QUANTIZE from {before.dtype} to {after.dtype}")
        elif maker is not None and maker.name == "QUANTIZE":
            yield graph.at(operator, "two QUANTIZE in a row")
        elif not any(each.name in SAME_SCALE for each in (*readers, *([maker] if maker else []))):
            yield f"QUANTIZE in layer '{model.layer_of(operator)}' costs a tensor; its neighbours take any scale"


def quantize_names(graph: Graph) -> tuple[str, ...]:
    """Each QUANTIZE by the tensor it computes."""
    return tuple(
        graph.model.tensors[operator.outputs[0]].name
        for operator in graph.model.operators
        if operator.name == "QUANTIZE" and operator.outputs
    )


def same_scales(graph: Graph) -> Iterator[Finding]:
    """Kernels that only move integers do so whatever the scales say; unequal ones give wrong answers in silence."""
    for operator in graph.model.operators:
        if operator.name not in SAME_SCALE or not operator.outputs:
            continue
        output = graph.model.outputs_of(operator)[0]
        data = [each for each in graph.model.inputs_of(operator) if each is not None and each.dtype == "int8"]
        if output.dtype == "int8" and any(
            (each.scale, each.zero_point) != (output.scale, output.zero_point) for each in data
        ):
            yield graph.at(operator, "the inputs and the output have different scales")
        if operator.name == "CONCATENATION" and len(operator.inputs) > MAX_CONCATENATION_INPUTS:
            yield graph.at(
                operator, f"joins {len(operator.inputs)} tensors; the kernel takes {MAX_CONCATENATION_INPUTS}"
            )


def scratch(graph: Graph) -> Iterator[Finding]:
    """The int32 sums of a transposed convolution lie in the arena, four times as large as its output."""
    for operator in graph.model.operators:
        needed = scratch_bytes(operator.name, graph.model.outputs_of(operator))
        if needed:
            layer = graph.model.layer_of(operator)
            yield f"{operator.name} in layer '{layer}' takes {needed:,} B of the arena for its int32 sums"


LAYER_RULES: tuple[Callable[[Graph], Iterator[Finding]], ...] = (
    weights,
    batch_norm,
    quantize,
    same_scales,
    scratch,
)
