"""`blame`: which layer of an int8 file loses what the float model knew, worst first."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from keras_tiny.blame.float_graph import FloatGraph
from keras_tiny.blame.measure import Measured, measure
from keras_tiny.blame.suggest import advice, fault
from keras_tiny.errors import BadInput
from mcu.tflite import read_model


@dataclass(frozen=True)
class LayerError:
    """One operator's output, int8 against real numbers, over all pictures.

    Attributes:
        index: of the operator in the file.
        operator: its kind, "CONV_2D".
        sqnr_db, cosine: of this operator alone, given the int8 file's own inputs. inf: no error.
        total_sqnr_db, total_cosine: against the float network from the picture on, what came before included.
        possible_db: SQNR of the best 8 bits for this tensor; 6 dB less is a bit lost.
        clipped: share of the values beyond the int8 range.
        is_fault: something in the file is not as the float model says.
        suggestion: empty if there is nothing to mend.
    """

    index: int
    operator: str
    layer: str
    tensor: str
    shape: tuple[int, ...]
    sqnr_db: float
    cosine: float
    total_sqnr_db: float
    total_cosine: float
    possible_db: float
    clipped: float
    is_fault: bool
    suggestion: str


@dataclass(frozen=True)
class Blame:
    """What `blame` found.

    Attributes:
        layers: worst first: faults of the file, then the others; of each the largest own error first.
        float_weights: whether the weights were those of a float model; if not, they were the file's own, and a
            fault in them is not seen.
        not_compared: operators that have no float meaning here, "KIND 'layer'".
    """

    pictures: int
    float_weights: bool
    layers: tuple[LayerError, ...]
    not_compared: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For `--json`; null where a SQNR is infinite: not one value differs."""
        return {
            "pictures": self.pictures,
            "float_weights": self.float_weights,
            "layers": [
                {name: _finite(value) for name, value in asdict(layer).items()} for layer in self.layers
            ],
            "not_compared": list(self.not_compared),
        }


def blame(
    model_bytes: bytes,
    images: np.ndarray,
    *,
    float_bytes: bytes | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Blame:
    """Compare every tensor of an int8 file with real numbers.

    Each operator is judged twice: alone, on the int8 file's own inputs, which finds the culprit; and from the picture
    on, which shows how far its error spreads.

    Args:
        images: int8 (pictures, *input shape without batch), real ones: noise reaches values that pictures do not.
        float_bytes: the float .tflite file of the same network; without it a fault in the weights is not seen.

    Raises:
        BadInput: no pictures or of another shape, several inputs, a float file of another network.
        ModelFileError: TensorFlow Lite Micro cannot run the int8 file.
        MissingExtra: the interpreter is not installed.
    """
    model = read_model(model_bytes)
    if len(model.inputs) != 1:
        raise BadInput(f"blame is for models with one input; this one has {len(model.inputs)}.")
    tensor = model.tensors[model.inputs[0]]
    if tensor.dtype != "int8":
        raise BadInput(
            f"The model's input is {tensor.dtype}, not int8.",
            hint="Pass the int8 file; the float one goes with --float.",
        )
    if images.dtype != np.int8 or images.shape[1:] != tensor.shape[1:] or not len(images):
        raise BadInput(
            f"blame takes int8 pictures (n, {', '.join(map(str, tensor.shape[1:]))}), n at least 1;"
            f" received {images.dtype} {images.shape}."
        )
    graph = FloatGraph.of(model, None if float_bytes is None else read_model(float_bytes))
    measured = measure(model_bytes, graph, images, progress=progress)
    layers = [_layer_error(found, graph) for found in measured]
    compared = {layer.index for layer in layers}
    return Blame(
        pictures=len(images),
        float_weights=float_bytes is not None,
        layers=tuple(sorted(layers, key=lambda layer: (not layer.is_fault, layer.sqnr_db))),
        not_compared=tuple(
            f"{each.name} '{model.layer_of(each)}'" for each in model.operators if each.index not in compared
        ),
    )


def _layer_error(found: Measured, graph: FloatGraph) -> LayerError:
    wrong = fault(found, graph)
    return LayerError(
        index=found.operator.index,
        operator=found.operator.name,
        layer=graph.model.layer_of(found.operator),
        tensor=found.tensor.name,
        shape=found.tensor.shape,
        sqnr_db=found.own.sqnr_db,
        cosine=found.own.cosine,
        total_sqnr_db=found.total.sqnr_db,
        total_cosine=found.total.cosine,
        possible_db=found.possible_db,
        clipped=found.beyond,
        is_fault=bool(wrong),
        suggestion=wrong or advice(found, graph),
    )


def _finite(value: Any) -> Any:
    if isinstance(value, float) and math.isinf(value):
        return None
    return round(value, 6) if isinstance(value, float) else value
