"""Networks as a pair: the float file, and the int8 file whose ranges were taken from the pictures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache

import numpy as np

from keras_tiny.blame.float_graph import FloatGraph, real
from mcu.tflite import TfliteModel, TfliteOperator, read_model
from tests.keras_tiny.blame.planting import Patient
from tests.tflite_networks import dense, residual_network, segmenter
from tests.tflite_writer import Graph

NETWORKS = ("residual_network", "segmenter")
_WEIGHTED = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 0, "FULLY_CONNECTED": 0, "TRANSPOSE_CONV": 2}
_FIXED = ("SOFTMAX", "LOGISTIC")  # their scale is 1/256 whatever the values


@dataclass(frozen=True)
class Twins:
    """Attributes: images: int8; expected: the float model's answers to them, where there is such a model."""

    int8: bytes
    float32: bytes
    images: np.ndarray
    expected: np.ndarray | None = None


@cache
def twins_of(name: str) -> Twins:
    """A network of `tests.tflite_networks`, its weights the truth, its ranges as calibration would set them."""
    makers = {
        "residual_network": residual_network,
        "segmenter": segmenter,
        "uneven_dense": _uneven_dense,
        "joined": _joined,
    }
    model_bytes = makers[name]()
    model = read_model(model_bytes)
    shape = model.tensors[model.inputs[0]].shape[1:]
    images = np.random.default_rng(3).integers(-128, 128, (4, *shape), np.int8)
    float_bytes = _as_float(model)
    return Twins(_calibrated(model_bytes, FloatGraph.of(model), images), float_bytes, images)


def _uneven_dense() -> bytes:
    graph = Graph()
    x = graph.input("x", (1, 16), scale=1 / 128)
    dense(graph, x, units_in=16, units=4, scale_in=1 / 128)
    patient = Patient(graph.build(outputs=("logits",)))
    weights = patient.values(patient.model.operators[0].inputs[1]).reshape(4, 16)
    weights[:3, 0], weights[3] = 120, np.resize([-3, 3], 16)
    return patient.bytes()


def _joined() -> bytes:
    """A small and a large branch under one scale, reshaped and joined."""
    graph = Graph()
    x = graph.input("x", (1, 16), scale=1 / 128)
    for name in ("small", "large"):
        dense(graph, x, units_in=16, units=4, scale_in=1 / 128, name=name)
        shape = graph.constant(f"{name}/shape", np.array([1, 4, 1], np.int32))
        graph.add("RESHAPE", (name, shape), f"{name}/flat", (1, 4, 1), options={"new_shape": [1, 4, 1]})
    options = {"axis": 1, "fused_activation_function": "NONE"}
    graph.add("CONCATENATION", ("small/flat", "large/flat"), "both", (1, 8, 1), options=options)
    patient = Patient(graph.build(outputs=("both",)))
    patient.values(patient.model.operators[0].inputs[1])[:] //= 16
    patient.values(patient.model.operators[0].inputs[2])[:] //= 16
    return patient.bytes()


def _calibrated(model_bytes: bytes, graph: FloatGraph, images: np.ndarray) -> bytes:
    """Every computed tensor's scale and zero point from its values; operators that only move keep their input's."""
    patient = Patient(model_bytes)
    model = graph.model
    edge = model.tensors[model.inputs[0]]
    seen = [graph.run(real(edge, image[None])) for image in images]
    grid = {edge.index: (edge.scale, edge.zero_point)}
    for operator in model.operators:
        tensor = model.tensors[operator.outputs[0]]
        if operator.name in _FIXED:
            grid[tensor.index] = (tensor.scale, tensor.zero_point)
            continue
        if operator.name == "MAX_POOL_2D":
            grid[tensor.index] = grid[operator.inputs[0]]
        else:
            low = min(0.0, *(float(each[tensor.index].min()) for each in seen))
            high = max(1e-3, *(float(each[tensor.index].max()) for each in seen))
            scale = np.float32((high - low) / 255)
            grid[tensor.index] = (float(scale), round(-128 - low / float(scale)))
    _share_with_concatenations(model, grid)
    for index, (scale, zero_point) in grid.items():
        patient.scales(index)[:] = scale
        patient.zero_points(index)[:] = zero_point
    for operator in model.operators:
        if operator.name in _WEIGHTED:
            _rescale_bias(patient, operator, before=model.tensors, after=grid)
    return patient.bytes()


def _share_with_concatenations(model: TfliteModel, grid: dict[int, tuple[float, int]]) -> None:
    for operator in model.operators:
        if operator.name == "CONCATENATION":
            for index in operator.inputs:
                grid[index] = grid[operator.outputs[0]]
    for operator in reversed(model.operators):
        if operator.name == "RESHAPE":
            grid[operator.inputs[0]] = grid[operator.outputs[0]]
    for operator in model.operators:
        if operator.name == "MAX_POOL_2D":
            grid[operator.outputs[0]] = grid[operator.inputs[0]]


def _rescale_bias(
    patient: Patient, operator: TfliteOperator, *, before: tuple, after: dict[int, tuple[float, int]]
) -> None:
    x = operator.inputs[_WEIGHTED[operator.name]]
    factor = after[x][0] / before[x].scale
    bias = operator.inputs[-1]
    patient.scales(bias)[:] *= factor
    patient.values(bias)[:] = np.rint(patient.values(bias) / factor)


def _as_float(model: TfliteModel) -> bytes:
    """The same graph with its constants as real numbers and no scales."""
    graph = Graph()
    made: set[int] = set()
    for index in model.inputs:
        graph.input(model.tensors[index].name, model.tensors[index].shape, scale=None, dtype="float32")
        made.add(index)
    for operator in model.operators:
        for tensor in model.inputs_of(operator):
            if tensor is not None and tensor.buffer is not None and tensor.index not in made:
                values = real(tensor, tensor.buffer)
                graph.constant(tensor.name, values.astype(np.float32) if tensor.scales else np.array(values))
                made.add(tensor.index)
        output = model.tensors[operator.outputs[0]]
        graph.add(
            operator.name,
            [model.tensors[index].name for index in operator.inputs],
            output.name,
            output.shape,
            scale=None,
            dtype="float32",
            options=_options(asdict(operator.options) if operator.options else {}),
        )
    return graph.build(outputs=[model.tensors[index].name for index in model.outputs])


_SCHEMA = {
    "activation": "fused_activation_function",
    "stride_height": "stride_h",
    "stride_width": "stride_w",
    "dilation_height": "dilation_h_factor",
    "dilation_width": "dilation_w_factor",
}


def _options(decoded: dict[str, object]) -> dict[str, object]:
    return {_SCHEMA.get(name, name): value for name, value in decoded.items()}
