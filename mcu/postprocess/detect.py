"""Objects from a detector's int8 outputs, as the board finds them: the Python twin of `kt_detect.h`, to the bit.

Every exponential is looked up in a table by the output's byte. The tables are made here, and `to_c` writes them for the
board, so that both sides compute with the same numbers and the board needs no libm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_tiny.boxes.anchors import AnchorMap, AnchorSpec
from keras_tiny.boxes.detections import Detections
from keras_tiny.boxes.nms import MAX_CANDIDATES, nms
from mcu.errors import BadInput
from mcu.tensor import TensorSpec

SCORE_THRESHOLD = 0.01
IOU_THRESHOLD = 0.45
_BYTES = np.arange(-128, 128)


@dataclass(frozen=True)
class DetectorTables:
    """One model's way from bytes to objects.

    Attributes:
        anchors: float32 (count, 4), centre and size.
        classes: background counted.
        powers: float32 (256,), e^(−k · scale of the class output).
        shifts, growths: float32 (256,), box output −128 … 127 → shift of the centre in anchor sides, factor of a side.
    """

    spec: AnchorSpec
    anchors: np.ndarray
    classes: int
    powers: np.ndarray
    shifts: np.ndarray
    growths: np.ndarray

    @classmethod
    def of(cls, spec: AnchorSpec, *, classes: TensorSpec, boxes: TensorSpec) -> DetectorTables:
        """From a bundle's manifest: its anchors and its two outputs.

        Raises:
            BadInput: outputs that are not int8, or not (1, anchors, classes) and (1, anchors, 4).
        """
        shapes = ((1, spec.count, classes.shape[-1]), (1, spec.count, 4))
        if (classes.shape, boxes.shape) != shapes or {classes.dtype, boxes.dtype} != {"int8"}:
            raise BadInput(
                f"A detector of {spec.count} anchors has int8 outputs (1, {spec.count}, classes) and "
                f"(1, {spec.count}, 4); these are {classes.dtype} {classes.shape} and {boxes.dtype} {boxes.shape}."
            )
        real = boxes.dequantize(_BYTES)
        growth = np.minimum(real * np.float32(spec.size_variance), np.float32(80))
        return cls(
            spec,
            spec.table(),
            classes.shape[-1],
            np.exp(-np.arange(256) * float(classes.scale)).astype(np.float32),
            real * np.float32(spec.center_variance),
            np.exp(growth.astype(np.float64)).astype(np.float32),
        )


def decode_boxes(outputs: np.ndarray, tables: DetectorTables) -> np.ndarray:
    """int8 (count, 4) → float32 (count, 4), corners as shares of the picture, clipped to it."""
    at = outputs.astype(np.intp) + 128
    anchors = tables.anchors
    centres = tables.shifts[at[:, :2]] * anchors[:, 2:] + anchors[:, :2]
    half = tables.growths[at[:, 2:]] * anchors[:, 2:] / np.float32(2)
    return np.clip(np.concatenate([centres - half, centres + half], axis=1), 0, 1)


def class_scores(outputs: np.ndarray, tables: DetectorTables) -> np.ndarray:
    """int8 (count, classes) → float32 (count, classes), probabilities; summed from class 0 up, as C does."""
    wide = outputs.astype(np.intp)
    powers = tables.powers[wide.max(axis=1, keepdims=True) - wide]
    total = np.zeros(len(outputs), np.float32)
    for column in powers.T:
        total += column
    return powers / total[:, None]


def detect_int8(
    class_output: np.ndarray,
    box_output: np.ndarray,
    tables: DetectorTables,
    *,
    score_threshold: float = SCORE_THRESHOLD,
    iou_threshold: float = IOU_THRESHOLD,
    max_candidates: int = MAX_CANDIDATES,
    limit: int = 100,
) -> Detections:
    """The objects of one picture.

    Args:
        class_output: int8 (count, classes), background first. box_output: int8 (count, 4).
        score_threshold, iou_threshold, max_candidates: see `keras_tiny.boxes.nms`.
        limit: so many of the best over all classes.
    """
    scores, corners = class_scores(class_output, tables), decode_boxes(box_output, tables)
    kept = [
        nms(
            corners,
            scores[:, label],
            iou_threshold=iou_threshold,
            score_threshold=score_threshold,
            max_candidates=max_candidates,
        )
        for label in range(1, tables.classes)
    ]
    classes = np.repeat(np.arange(tables.classes - 1), [len(part) for part in kept])
    places = np.concatenate([*kept, np.zeros(0, np.int64)]).astype(np.int64)
    values = scores[places, classes + 1]
    order = np.argsort(-values, kind="stable")[:limit]
    return Detections(corners[places[order]], classes[order].astype(np.int64), values[order])


def to_c(
    tables: DetectorTables,
    *,
    name: str = "detector",
    score_threshold: float = SCORE_THRESHOLD,
    iou_threshold: float = IOU_THRESHOLD,
) -> str:
    """A C header that defines `static const kt_detector <name>`, for `kt_detect`."""
    parts = ["/* Tables of a detector, made by mcu.postprocess.detect. */", '#include "kt_detect.h"', ""]
    for index, part in enumerate(tables.spec.maps):
        parts.append(_floats(f"{name}_sizes_{index}", _sizes(part)))
    rows = ", ".join(
        f"{{{part.height}, {part.width}, {part.per_cell}, {name}_sizes_{index}}}"
        for index, part in enumerate(tables.spec.maps)
    )
    parts.append(f"static const kt_anchor_map {name}_maps[] = {{{rows}}};")
    for kind in ("powers", "shifts", "growths"):
        parts.append(_floats(f"{name}_{kind}", getattr(tables, kind)))
    members = (
        f"{name}_maps, {len(tables.spec.maps)}, {tables.classes}, {name}_powers, {name}_shifts, {name}_growths, "
        f"{_float(score_threshold)}, {_float(iou_threshold)}"
    )
    parts.append(f"static const kt_detector {name} = {{{members}}};")
    return "\n".join(parts) + "\n"


def _sizes(part: AnchorMap) -> np.ndarray:
    """Width and height of a cell's anchors, as `AnchorSpec.table` has them."""
    return AnchorSpec(maps=(part,)).table()[: part.per_cell, 2:].ravel()


def _floats(name: str, values: np.ndarray) -> str:
    lines = [", ".join(_float(value) for value in values[at : at + 6]) for at in range(0, len(values), 6)]
    return f"static const float {name}[] = {{\n    " + ",\n    ".join(lines) + "};"


def _float(value: float) -> str:
    """Nine digits tell every float32 apart (IEEE 754)."""
    return f"{np.float32(value):.9e}F"
