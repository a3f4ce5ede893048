"""Rules of the audit about the file as a whole: its edges, its types, its operators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mcu.tflite import FLOAT_TYPES, TfliteModel, TfliteOperator, TfliteTensor, inconsistencies
from mcu.tflite.tflm_operators import ADD_METHODS

# Left in a file by a dynamic batch: the converter computes shapes at run time.
SHAPE_ARITHMETIC = frozenset({"SHAPE", "STRIDED_SLICE", "PACK", "TILE"})
DYNAMIC_BATCH = "left by a dynamic batch; convert a frozen function of batch 1"

# Operators that a better conversion avoids, with the reason.
UNWANTED = {
    **{name: DYNAMIC_BATCH for name in SHAPE_ARITHMETIC},
    "SPACE_TO_BATCH_ND": f"half of a dilated convolution that was not fused: {DYNAMIC_BATCH}",
    "BATCH_TO_SPACE_ND": f"half of a dilated convolution that was not fused: {DYNAMIC_BATCH}",
    "DEQUANTIZE": "goes back to float; quantize the layers behind it, or make the output int8",
}
# Constants of these types are no data: axes, sizes, paddings, biases.
CONSTANT_TYPES = frozenset({"int8", "int32", "int64"})


@dataclass(frozen=True)
class Problem:
    """Why a file must not be exported, and where.

    Attributes:
        layer: the Keras layer, as far as the tensor's name tells it.
        tensor: name of the tensor in the file.
        operator: name of the operator that computes or takes it; empty if it is the file as a whole.
    """

    layer: str
    tensor: str
    operator: str
    reason: str

    def __str__(self) -> str:
        if not self.layer and not self.operator:
            return f"{self.reason}."
        where = f"{self.operator} in layer '{self.layer}'" if self.operator else f"'{self.layer}'"
        named = f" (tensor '{self.tensor}')" if self.tensor and self.tensor != self.layer else ""
        return f"{where}{named}: {self.reason}."


@dataclass(frozen=True)
class Graph:
    """A model with the ways through it.

    Attributes:
        producers: tensor index → the operator that computes it.
        consumers: tensor index → the operators that read it, in order.
    """

    model: TfliteModel
    producers: dict[int, TfliteOperator]
    consumers: dict[int, tuple[TfliteOperator, ...]]

    @classmethod
    def of(cls, model: TfliteModel) -> Graph:
        producers = {index: operator for operator in model.operators for index in operator.outputs}
        consumers: dict[int, tuple[TfliteOperator, ...]] = {}
        for operator in model.operators:
            for index in dict.fromkeys(operator.inputs):
                consumers[index] = (*consumers.get(index, ()), operator)
        return cls(model, producers, consumers)

    def at(self, operator: TfliteOperator, reason: str, *, tensor: TfliteTensor | None = None) -> Problem:
        """A problem of an operator; `tensor` is its first output unless another is meant."""
        outputs = self.model.outputs_of(operator)
        named = tensor or (outputs[0] if outputs else None)
        return Problem(self.model.layer_of(operator), named.name if named else "", operator.name, reason)

    def near(self, tensor: TfliteTensor) -> TfliteOperator | None:
        """The operator that computes a tensor, or the first that reads it."""
        readers = self.consumers.get(tensor.index, ())
        return self.producers.get(tensor.index) or (readers[0] if readers else None)


def one_graph(graph: Graph) -> Iterator[Problem]:
    """Control flow has subgraphs of its own; no network of images needs any."""
    if graph.model.subgraph_count > 1:
        yield Problem("", "", "", f"the file has {graph.model.subgraph_count} subgraphs: control flow")


def edges(graph: Graph) -> Iterator[Problem]:
    """A board takes and gives int8, one image at a time, of a fixed size."""
    model = graph.model
    for kind, indices in (("input", model.inputs), ("output", model.outputs)):
        for index in indices:
            tensor = model.tensors[index]
            operator = graph.near(tensor)
            where = (tensor.layer, tensor.name, operator.name if operator else "")
            if tensor.dtype != "int8":
                yield Problem(*where, f"the model's {kind} is {tensor.dtype}, not int8")
            if -1 in tensor.shape_signature:
                yield Problem(
                    *where, f"the model's {kind} has the open shape {tensor.shape_signature}: {DYNAMIC_BATCH}"
                )
            elif len(tensor.shape) > 1 and tensor.shape[0] != 1:
                yield Problem(*where, f"the model's {kind} is a batch of {tensor.shape[0]}, not of 1")


def types(graph: Graph) -> Iterator[Problem]:
    """Everything computed is int8 with a scale; constants are int8, or the integers of axes and biases."""
    model = graph.model
    at_edge = {*model.inputs, *model.outputs}
    for tensor in model.tensors:
        operator = graph.near(tensor)
        where = (
            model.layer_of(operator) if operator else tensor.layer,
            tensor.name,
            operator.name if operator else "",
        )
        if tensor.dtype in FLOAT_TYPES:
            kind = "constant" if tensor.is_constant else "tensor"
            yield Problem(*where, f"{_hybrid(model, operator)}the {kind} is {tensor.dtype}")
        elif tensor.is_constant and tensor.dtype not in CONSTANT_TYPES:
            yield Problem(*where, f"the constant is {tensor.dtype}, not int8")
        elif not tensor.is_constant and tensor.dtype != "int8" and tensor.index not in at_edge:
            yield Problem(*where, f"the tensor is {tensor.dtype}, not int8")
        elif not tensor.is_constant and tensor.dtype == "int8" and not all(tensor.scales or (0.0,)):
            yield Problem(*where, "the int8 tensor has no scale")
        if tensor.is_sparse:
            yield Problem(*where, "the tensor is sparse, which TensorFlow Lite Micro does not read")


def _hybrid(model: TfliteModel, operator: TfliteOperator | None) -> str:
    """A hybrid operator has int8 weights and computes in float: it looks quantized and is not."""
    if operator is None:
        return ""
    inputs = [tensor for tensor in model.inputs_of(operator) if tensor is not None]
    has_int8 = any(tensor.is_constant and tensor.dtype == "int8" for tensor in inputs)
    has_float = any(not tensor.is_constant and tensor.dtype in FLOAT_TYPES for tensor in inputs)
    return "hybrid, int8 weights but float activations: " if has_int8 and has_float else ""


def operators(graph: Graph) -> Iterator[Problem]:
    """Each operator is in TensorFlow Lite Micro, and none is there that a right conversion avoids."""
    for operator in graph.model.operators:
        if operator.is_custom:
            yield graph.at(operator, "a custom operator, which TensorFlow Lite Micro does not have")
        elif operator.name in UNWANTED:
            yield graph.at(operator, UNWANTED[operator.name])
        elif operator.name not in ADD_METHODS:
            yield graph.at(operator, "not in TensorFlow Lite Micro's MicroMutableOpResolver")


def shapes(graph: Graph) -> Iterator[Problem]:
    """Tensors are computed before use, in the shapes that the operators make."""
    for found in inconsistencies(graph.model):
        if found.operator is not None:
            yield graph.at(found.operator, found.reason)
        elif found.tensor is not None:
            yield Problem(found.tensor.layer, found.tensor.name, "", found.reason)
        else:
            yield Problem("", "", "", f"the file {found.reason}")


FILE_RULES: tuple[Callable[[Graph], Iterator[Problem]], ...] = (one_graph, edges, types, operators, shapes)
