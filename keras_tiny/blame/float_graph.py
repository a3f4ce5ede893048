"""The graph of an int8 file, computed in real numbers: with the float model's weights, or with the file's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from keras_tiny.blame.float_operators import compute
from keras_tiny.errors import BadInput
from keras_tiny.export.audit_layers import WEIGHTED
from mcu.tflite import FLOAT_TYPES, TfliteModel, TfliteOperator, TfliteTensor


def real(tensor: TfliteTensor, integers: np.ndarray) -> np.ndarray:
    """Integers of a tensor as real numbers, float64; indices and shapes, which have no scale, as they are."""
    if not tensor.scales:
        return np.asarray(integers)
    along = [-1 if axis == tensor.quantized_dimension else 1 for axis in range(len(tensor.shape))]
    shape = along if tensor.is_per_channel else [1] * len(tensor.shape)
    zeros = np.array(tensor.zero_points, np.float64)
    zeros = np.broadcast_to(zeros, len(tensor.scales))
    return (np.asarray(integers, np.float64) - zeros.reshape(shape)) * np.array(tensor.scales).reshape(shape)


@dataclass(frozen=True)
class FloatGraph:
    """The operators of an int8 file over real constants.

    Attributes:
        constants: tensor index → values.
        from_model: indices of the constants that come from a float model, not from the int8 file itself.
    """

    model: TfliteModel
    constants: Mapping[int, np.ndarray]
    from_model: frozenset[int]

    @classmethod
    def of(cls, model: TfliteModel, twin: TfliteModel | None = None) -> FloatGraph:
        """Args: twin: the float file of the same network; None: the weights are the int8 file's own.

        Raises:
            BadInput: the twin is not float, or another network.
        """
        constants = {t.index: real(t, t.buffer) for t in model.tensors if t.buffer is not None}
        paired = {} if twin is None else _pair(model, twin)
        return cls(model, constants | paired, frozenset(paired))

    def run(self, image: np.ndarray) -> dict[int, np.ndarray]:
        """Real input, (1, height, width, channels) → every tensor, by its index."""
        tensors = dict(self.constants) | {self.model.inputs[0]: image}
        for operator in self.model.operators:
            found = self.apply(operator, tensors)
            if found is not None:
                tensors[operator.outputs[0]] = found
        return tensors

    def apply(self, operator: TfliteOperator, tensors: Mapping[int, np.ndarray]) -> np.ndarray | None:
        """The operator's output from these tensors; constants are its own. None where it cannot be told."""
        if len(operator.outputs) != 1:
            return None
        inputs = []
        for index in operator.inputs:
            value = self.constants.get(index, tensors.get(index))
            if value is None and index >= 0:
                return None
            inputs.append(value)
        return compute(operator, inputs, self.model.tensors[operator.outputs[0]].shape)


def _pair(model: TfliteModel, twin: TfliteModel) -> dict[int, np.ndarray]:
    """Each float constant under the index of its int8 counterpart."""
    if not any(t.dtype in FLOAT_TYPES for t in twin.tensors if t.is_constant):
        raise BadInput(
            "The model to compare with is no float file.", hint="Convert the float model to .tflite."
        )
    of_twin = dict(_named(twin))
    paired: dict[int, np.ndarray] = {}
    for key, operator in _named(model):
        other = of_twin.pop(key, None)
        if other is None:
            if operator.name in WEIGHTED:
                raise _another(f"it has no {key[0]} '{key[1]}'")
            continue
        for at, index in enumerate(operator.inputs):
            ours = model.tensors[index] if index >= 0 else None
            theirs = (
                twin.tensors[other.inputs[at]] if at < len(other.inputs) and other.inputs[at] >= 0 else None
            )
            # A bias of zeros may have been dropped by one of the two converters.
            if (
                ours is None
                or ours.buffer is None
                or not ours.scales
                or theirs is None
                or theirs.buffer is None
            ):
                continue
            if theirs.shape != ours.shape:
                raise _another(
                    f"{key[0]} '{key[1]}' has constants of {theirs.shape}, the int8 file {ours.shape}"
                )
            paired[index] = np.asarray(theirs.buffer, np.float64)
    extra = next((key for key in of_twin if key[0] in WEIGHTED), None)
    if extra is not None:
        raise _another(f"its {extra[0]} '{extra[1]}' is not in the int8 file")
    return paired


def _named(model: TfliteModel) -> Iterator[tuple[tuple[str, str, int], TfliteOperator]]:
    """The operators with constants, each with its kind, its layer and a number among equals."""
    seen: Counter[tuple[str, str]] = Counter()
    for operator in model.operators:
        if any(t is not None and t.is_constant for t in model.inputs_of(operator)):
            key = (operator.name, model.layer_of(operator))
            yield (*key, seen[key]), operator
            seen[key] += 1


def _another(reason: str) -> BadInput:
    return BadInput(
        f"The float file is not of this network: {reason}.",
        hint="Name the run that the int8 file was exported from, or its float file.",
    )
