"""Multiply-accumulates of a .tflite file, operator by operator.

Counted: convolution, depthwise, transposed convolution (height in · width in · channels in · channels out · kernel) and
dense. Bias, BatchNorm (it is folded), additions, pooling and activations count 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from mcu.tflite import TfliteModel, TfliteOperator, check_graph, read_model


@dataclass(frozen=True)
class OperatorMacs:
    """What one operator of the file costs; `layer` comes from the name of the tensor it computes."""

    index: int
    name: str
    layer: str
    macs: int


def macs(model: bytes | TfliteModel) -> tuple[OperatorMacs, ...]:
    """Multiply-accumulates of one inference, for every operator in the order of execution.

    Raises:
        ModelFileError: not a .tflite file, or a graph that does not hang together.
    """
    graph = model if isinstance(model, TfliteModel) else read_model(model)
    check_graph(graph)
    return tuple(
        OperatorMacs(operator.index, operator.name, graph.layer_of(operator), _macs(graph, operator))
        for operator in graph.operators
    )


def total_macs(model: bytes | TfliteModel) -> int:
    """Multiply-accumulates of one inference."""
    return sum(operator.macs for operator in macs(model))


def _macs(model: TfliteModel, operator: TfliteOperator) -> int:
    def shape(position: int) -> tuple[int, ...]:
        return model.tensors[operator.inputs[position]].shape

    def output() -> tuple[int, ...]:
        return model.tensors[operator.outputs[0]].shape

    match operator.name:
        case "CONV_2D":
            return prod(output()) * prod(shape(1)[1:])
        case "DEPTHWISE_CONV_2D":
            return prod(output()) * prod(shape(1)[1:3])
        case "TRANSPOSE_CONV":
            return prod(shape(2)[:3]) * prod(shape(1))
        case "FULLY_CONNECTED":
            return prod(output()) * shape(1)[1]
    return 0
