"""Activation memory over time: which tensors are alive while each operator of a .tflite file runs.

A tensor lives from the operator that computes it (the model's inputs: from the first) to the last one that reads it
(the model's outputs: to the end). The peak is the largest sum of live tensors in the file's order of operators, without
in-place operators and without what kernels ask for beside: an interpreter needs at least that much.
"""

from __future__ import annotations

from dataclasses import dataclass

from mcu.tflite import TfliteModel, TfliteTensor, check_graph, read_model


@dataclass(frozen=True)
class Moment:
    """What is in memory while one operator runs.

    Attributes:
        layer: from the name of the tensor that the operator computes.
        live: (tensor name, bytes), largest first; the operator's inputs and outputs among them.
        live_bytes: their sum.
        scratch_bytes: what TensorFlow Lite Micro's reference kernel asks for beside them.
    """

    index: int
    operator: str
    layer: str
    live: tuple[tuple[str, int], ...]
    live_bytes: int
    scratch_bytes: int


@dataclass(frozen=True)
class ActivationMemory:
    """Activation memory of one inference; the timeline has one moment for each operator."""

    timeline: tuple[Moment, ...]

    @property
    def peak(self) -> Moment:
        """The first moment of the largest sum of live tensors."""
        return max(self.timeline, key=lambda moment: moment.live_bytes)

    @property
    def peak_activation_bytes(self) -> int:
        return self.peak.live_bytes

    @property
    def peak_operator(self) -> str:
        """The operator at the peak and its layer, e.g. "CONV_2D 'block_1_expand'"."""
        return f"{self.peak.operator} '{self.peak.layer}'"


def activation_memory(model: bytes | TfliteModel) -> ActivationMemory:
    """Which tensors are alive when, and where the peak is.

    Raises:
        ModelFileError: not a .tflite file, or a graph that does not hang together.
    """
    graph = model if isinstance(model, TfliteModel) else read_model(model)
    check_graph(graph)
    births, deaths = lifetimes(graph)
    moments = []
    for operator in graph.operators:
        alive = [
            tensor
            for tensor in graph.tensors
            if tensor.index in births and births[tensor.index] <= operator.index <= deaths[tensor.index]
        ]
        live = tuple((tensor.name, tensor.nbytes) for tensor in sorted(alive, key=lambda each: -each.nbytes))
        outputs = graph.outputs_of(operator)
        moments.append(
            Moment(
                operator.index,
                operator.name,
                graph.layer_of(operator),
                live,
                sum(tensor.nbytes for tensor in alive),
                scratch_bytes(operator.name, outputs),
            )
        )
    return ActivationMemory(tuple(moments))


def lifetimes(model: TfliteModel) -> tuple[dict[int, int], dict[int, int]]:
    """Tensor index → the first and the last operator index at which it is in memory; constants are in neither."""
    last = len(model.operators) - 1
    births = {index: 0 for index in model.inputs if not model.tensors[index].is_constant}
    births |= {tensor.index: 0 for tensor in model.tensors if tensor.is_variable}
    deaths = dict(births)
    for operator in model.operators:
        for index in operator.inputs:
            if index in births:
                deaths[index] = operator.index
        for index in operator.outputs:
            births[index] = deaths[index] = operator.index
    for index in (*model.outputs, *(tensor.index for tensor in model.tensors if tensor.is_variable)):
        if index in births:
            deaths[index] = last
    return births, deaths


def scratch_bytes(operator: str, outputs: tuple[TfliteTensor, ...]) -> int:
    """What TensorFlow Lite Micro's reference kernel asks of the arena beside inputs and outputs.

    TRANSPOSE_CONV sums up in int32, for the whole output (tensorflow/lite/micro/kernels/transpose_conv.cc); other
    kernels ask for little or nothing.
    """
    if operator == "TRANSPOSE_CONV":
        return sum(4 * tensor.nbytes for tensor in outputs if tensor.dtype == "int8")
    return 0
