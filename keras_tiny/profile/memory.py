"""Activation memory over time: which tensors are alive while each operator of a .tflite file runs.

A tensor lives from the operator that computes it (the model's inputs: from the first) to the last one that reads it
(the model's outputs: to the end). The peak is the largest sum of live tensors in the file's order of operators, without
in-place operators and without what kernels ask for beside: an interpreter needs at least that much.
"""

from __future__ import annotations

from dataclasses import dataclass

from mcu.tflite import TfliteModel, TfliteTensor, check_graph, read_model


@dataclass(frozen=True)
class Lifetime:
    """One tensor: in memory from the operator of index `first` to that of index `last`.

    Attributes:
        layer: that computes it, or the input's name.
    """

    name: str
    layer: str
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Moment:
    """What is in memory while one operator runs.

    Attributes:
        layer: from the name of the tensor that the operator computes.
        live: (tensor name, bytes), largest first; the operator's inputs and outputs among them.
        operands: names of those that this operator itself reads or writes; the others only wait: skips.
        live_bytes: their sum.
        scratch_bytes: what TensorFlow Lite Micro's reference kernel asks for beside them.
    """

    index: int
    operator: str
    layer: str
    live: tuple[tuple[str, int], ...]
    operands: tuple[str, ...]
    live_bytes: int
    scratch_bytes: int

    @property
    def skips(self) -> tuple[tuple[str, int], ...]:
        """(tensor name, bytes) of what was computed before and is read later, largest first."""
        return tuple((name, size) for name, size in self.live if name not in self.operands)


@dataclass(frozen=True)
class ActivationMemory:
    """Activation memory of one inference.

    Attributes:
        timeline: one moment for each operator.
        tensors: every tensor that is not a constant, in the order of their births.
    """

    timeline: tuple[Moment, ...]
    tensors: tuple[Lifetime, ...]

    @property
    def peak(self) -> Moment:
        """The first moment of the largest sum of live tensors."""
        return max(self.timeline, key=lambda moment: moment.live_bytes)

    @property
    def peak_skips(self) -> tuple[Lifetime, ...]:
        """The tensors that only wait while the peak's operator runs, largest first."""
        waiting = {name for name, _ in self.peak.skips}
        index = self.peak.index
        alive = [each for each in self.tensors if each.name in waiting and each.first <= index <= each.last]
        return tuple(sorted(alive, key=lambda each: -each.bytes))

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
    makers = {index: graph.layer_of(each) for each in graph.operators for index in each.outputs}
    tensors = tuple(
        Lifetime(
            graph.tensors[index].name,
            makers.get(index, graph.tensors[index].name),
            graph.tensors[index].nbytes,
            births[index],
            deaths[index],
        )
        for index in sorted(births, key=lambda index: (births[index], index))
    )
    moments = []
    for operator in graph.operators:
        alive = [
            tensor
            for tensor in graph.tensors
            if tensor.index in births and births[tensor.index] <= operator.index <= deaths[tensor.index]
        ]
        live = tuple((tensor.name, tensor.nbytes) for tensor in sorted(alive, key=lambda each: -each.nbytes))
        outputs = graph.outputs_of(operator)
        operands = tuple(
            graph.tensors[index].name for index in (*operator.inputs, *operator.outputs) if index in births
        )
        moments.append(
            Moment(
                operator.index,
                operator.name,
                graph.layer_of(operator),
                live,
                operands,
                sum(tensor.nbytes for tensor in alive),
                scratch_bytes(operator.name, outputs),
            )
        )
    return ActivationMemory(tuple(moments), tensors)


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
