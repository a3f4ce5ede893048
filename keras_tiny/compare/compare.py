"""`compare`: two results side by side, figure by figure, and tensor by tensor where both have the same graph."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from keras_tiny.blame.float_graph import real
from keras_tiny.blame.measure import DistanceSums
from keras_tiny.compare.subject import Subject, read_subject
from mcu.tflite import TfliteModel, read_model
from mcu.tflm import TflmInterpreter

# Fields of `Subject` that are compared, in the order in which a person reads them, and how to print their names.
FIGURES: dict[str, str] = {
    "score_float": "float",
    "score_ptq": "PTQ, int8",
    "score_qat": "QAT",
    "score_board": "board",
    "bit_exact": "bit-exact",
    "tflite_bytes": "model, B",
    "arena_bytes": "arena, 64-bit host, B",
    "arena_bytes_32bit": "arena, 32-bit estimate, B",
    "ram_bytes": "arena on the board, B",
    "macs": "multiply-accumulates",
    "params": "parameters",
    "instructions": "instructions",
    "latency_us": "latency, µs",
    "board": "board",
    "engine": "engine",
}
PICTURES = 8
_NOT_TOLD = frozenset({"model_bytes", "images"})


@dataclass(frozen=True)
class Difference:
    """One figure that is not the same on both sides; `change` is b minus a, None where one is unknown or no number."""

    name: str
    a: Any
    b: Any
    change: float | None


@dataclass(frozen=True)
class LayerDifference:
    """One tensor of b against the same one of a, both as real numbers, over the same pictures.

    Attributes:
        sqnr_db: a's power over the power of the difference; inf: equal.
    """

    index: int
    operator: str
    layer: str
    sqnr_db: float
    cosine: float


@dataclass(frozen=True)
class Comparison:
    """Attributes:
    differences: the figures that differ, in the order of `FIGURES`; then operators that one has more of.
    layers: worst first; empty where the graphs differ or one of the two cannot be run.
    note: why there are no layers, or on what they were compared.
    """

    a: Subject
    b: Subject
    differences: tuple[Difference, ...]
    layers: tuple[LayerDifference, ...]
    note: str

    def to_dict(self) -> dict[str, Any]:
        """For `--json`; null for a SQNR that is infinite."""
        return {
            "a": _told(self.a),
            "b": _told(self.b),
            "differences": [asdict(each) for each in self.differences],
            "layers": [
                {**asdict(each), "sqnr_db": None if math.isinf(each.sqnr_db) else round(each.sqnr_db, 3)}
                for each in self.layers
            ],
            "note": self.note,
        }


def compare(a: str | Path | Subject, b: str | Path | Subject) -> Comparison:
    """Compare two results.

    Args:
        a, b: what `read_subject` reads, or what it returned.

    Raises:
        BadInput, BundleError, ModelFileError: see `read_subject`.
    """
    a, b = (each if isinstance(each, Subject) else read_subject(each) for each in (a, b))
    layers, note = _layers(a, b)
    return Comparison(a, b, _differences(a, b), layers, note)


def _differences(a: Subject, b: Subject) -> tuple[Difference, ...]:
    pairs = [(name, getattr(a, name), getattr(b, name)) for name in FIGURES]
    if a.operators and b.operators:
        kinds = sorted({*a.operators, *b.operators})
        pairs += [(f"operators.{kind}", a.operators.get(kind, 0), b.operators.get(kind, 0)) for kind in kinds]
    return tuple(Difference(name, x, y, _change(x, y)) for name, x, y in pairs if x != y)


def _change(a: Any, b: Any) -> float | None:
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in (a, b)):
        return None
    return b - a


def _layers(a: Subject, b: Subject) -> tuple[tuple[LayerDifference, ...], str]:
    if a.model_bytes is None or b.model_bytes is None:
        return (), "Tensors are compared between bundles and .tflite files."
    if a.model_bytes == b.model_bytes:
        return (), "Both hold the same model, byte for byte."
    models = read_model(a.model_bytes), read_model(b.model_bytes)
    if _shape_of(models[0]) != _shape_of(models[1]):
        return (), "The graphs differ, so tensors are not compared."
    if len(models[0].inputs) != 1:
        return (), "Tensors are compared for models with one input."
    edge = models[0].tensors[models[0].inputs[0]]
    images = a.images if a.images is not None else b.images
    noise = images is None
    if images is None:
        images = np.random.default_rng(0).integers(-128, 128, (PICTURES, *edge.shape[1:]), np.int8)
    images = images[:PICTURES]
    layers = sorted(_run_both(a.model_bytes, b.model_bytes, models, images), key=lambda each: each.sqnr_db)
    return tuple(layers), f"Over {len(images)} {'pictures of noise' if noise else 'pictures'}."


def _shape_of(model: TfliteModel) -> list[tuple[Any, ...]]:
    """What makes two graphs the same: kinds, wiring and shapes; not numbers of tensors, names, weights or scales."""
    source: dict[int, Any] = {index: ("input", at) for at, index in enumerate(model.inputs)}
    graph = []
    for at, operator in enumerate(model.operators):
        shapes = [tensor.shape for tensor in model.outputs_of(operator)]
        graph.append((operator.name, [source.get(index, "constant") for index in operator.inputs], shapes))
        source.update({index: (at, place) for place, index in enumerate(operator.outputs)})
    return graph


def _run_both(
    a: bytes, b: bytes, models: tuple[TfliteModel, TfliteModel], images: np.ndarray
) -> list[LayerDifference]:
    """Images are a's int8; b gets the same real values on its own scale."""
    interpreters = [TflmInterpreter(each, keep_tensors=True) for each in (a, b)]
    pairs = list(zip(models[0].operators, models[1].operators, strict=True))
    sums = [DistanceSums() for _ in pairs]
    specs = [each.inputs[0] for each in interpreters]
    for image in images:
        interpreters[0].invoke([image[None]])
        interpreters[1].invoke([specs[1].quantize(specs[0].dequantize(image[None]))])
        for pair, total in zip(pairs, sums, strict=True):
            first, second = (
                np.asarray(
                    real(model.tensors[each.outputs[0]], interpreter.tensor(each.outputs[0])), np.float64
                )
                for model, interpreter, each in zip(models, interpreters, pair, strict=True)
            )
            total.add(first, second)
    found = []
    for (operator, _), total in zip(pairs, sums, strict=True):
        distance = total.result()
        layer = models[0].layer_of(operator)
        found.append(LayerDifference(operator.index, operator.name, layer, distance.sqnr_db, distance.cosine))
    return found


def _told(subject: Subject) -> dict[str, Any]:
    return {each.name: getattr(subject, each.name) for each in fields(subject) if each.name not in _NOT_TOLD}
