"""Plant one fault in one layer of an int8 .tflite file, everything else left consistent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tflite

from keras_tiny.export.audit_layers import SAME_SCALE, WEIGHTED
from mcu.tflite import TfliteModel, TfliteOperator, read_model

_SEEN_STEPS = 4.0  # a bias of less makes no difference that a person would look for


class Patient:
    """A file whose constants and scales can be written in place."""

    def __init__(self, model_bytes: bytes):
        self.data = bytearray(model_bytes)
        self.model = read_model(model_bytes)
        self._root = tflite.Model.GetRootAsModel(self.data, 0)
        graph = self._root.Subgraphs(0)
        assert graph is not None
        self._graph = graph

    def scales(self, index: int) -> np.ndarray:
        """Writable, float32."""
        found: Any = self._graph.Tensors(index)
        return found.Quantization().ScaleAsNumpy()

    def zero_points(self, index: int) -> np.ndarray:
        """Writable, int64."""
        found: Any = self._graph.Tensors(index)
        return found.Quantization().ZeroPointAsNumpy()

    def values(self, index: int) -> np.ndarray:
        """Writable, in the file's type, flat."""
        found: Any = self._root.Buffers(self._graph.Tensors(index).Buffer())
        return found.DataAsNumpy().view(self.model.tensors[index].dtype)

    def bytes(self) -> bytes:
        return bytes(self.data)


def corrupted_weights(patient: Patient, operator: TfliteOperator, rng: np.random.Generator) -> None:
    """A tenth of the weights is anything."""
    weights = patient.values(operator.inputs[WEIGHTED[operator.name][1]])
    hit = rng.choice(weights.size, max(2, weights.size // 10), replace=False)
    weights[hit] = np.where(weights[hit] > 0, -127, 127)


def wrong_weight_scale(patient: Patient, operator: TfliteOperator, rng: np.random.Generator) -> None:
    """The file says that the weights are twice as large; the bias's scale is left, as a forgetful tool leaves it."""
    patient.scales(operator.inputs[WEIGHTED[operator.name][1]])[:] *= 2


def clipped_bias(patient: Patient, operator: TfliteOperator, rng: np.random.Generator) -> None:
    """As if the bias had been stored in too few bits."""
    bias = patient.values(operator.inputs[WEIGHTED[operator.name][2]])
    limit = max(1, int(np.abs(bias).max()) // 16)
    bias[:] = np.clip(bias, -limit, limit)


def range_too_small(patient: Patient, operator: TfliteOperator, rng: np.random.Generator) -> None:
    _rescale(patient, operator, 1 / 8)


def range_too_wide(patient: Patient, operator: TfliteOperator, rng: np.random.Generator) -> None:
    _rescale(patient, operator, 32)


def _rescale(patient: Patient, operator: TfliteOperator, factor: float) -> None:
    """Another scale of the output, and the biases of its readers as a converter would write them for it."""
    output = operator.outputs[0]
    patient.scales(output)[:] *= factor
    for reader in patient.model.operators:
        if output not in reader.inputs or reader.name not in WEIGHTED:
            continue
        at = WEIGHTED[reader.name][2]
        if at < len(reader.inputs) and reader.inputs[at] >= 0:
            patient.scales(reader.inputs[at])[:] *= factor
            bias = patient.values(reader.inputs[at])
            bias[:] = np.rint(bias / factor)


Plant = Callable[[Patient, TfliteOperator, np.random.Generator], None]
PLANTS: dict[str, Plant] = {
    plant.__name__: plant
    for plant in (corrupted_weights, wrong_weight_scale, clipped_bias, range_too_small, range_too_wide)
}


def candidates(model: TfliteModel, plant: Plant) -> list[TfliteOperator]:
    """The operators in which this fault can be planted alone."""
    found = []
    for operator in model.operators:
        if operator.name not in WEIGHTED:
            continue
        if plant is clipped_bias and not _bias_steps(model, operator) > _SEEN_STEPS:
            continue
        readers = [each for each in model.operators if operator.outputs[0] in each.inputs]
        if plant in (range_too_small, range_too_wide) and any(each.name in SAME_SCALE for each in readers):
            continue
        found.append(operator)
    return found


def _bias_steps(model: TfliteModel, operator: TfliteOperator) -> float:
    """The largest bias, in steps of the output."""
    at = WEIGHTED[operator.name][2]
    bias = model.inputs_of(operator)[at] if at < len(operator.inputs) else None
    if bias is None or bias.buffer is None:
        return 0.0
    largest = float((np.abs(bias.buffer) * np.array(bias.scales)).max())
    return largest / model.tensors[operator.outputs[0]].scale


def planted(model_bytes: bytes, plant: Plant, index: int, *, seed: int = 0) -> bytes:
    """The file with the fault in operator `index`."""
    patient = Patient(model_bytes)
    plant(patient, patient.model.operators[index], np.random.default_rng(seed))
    return patient.bytes()
