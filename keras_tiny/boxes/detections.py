"""A detector's two outputs → the objects it sees: softmax, decode, one non-maximum suppression per class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from keras_tiny.boxes.anchors import AnchorSpec
from keras_tiny.boxes.coding import decode
from keras_tiny.boxes.nms import nms, soft_nms

NmsMethod = Literal["hard", "soft"]


@dataclass(frozen=True)
class Detections:
    """What a detector found in one picture, best first.

    Attributes:
        corners: float32 (n, 4), xmin ymin xmax ymax as shares of the picture, clipped to it.
        classes: int64 (n,), index into `Dataset.labels`, background not counted.
        scores: float32 (n,), 0..1.
    """

    corners: np.ndarray
    classes: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.corners)

    def above(self, score: float) -> Detections:
        """Those with at least this score."""
        chosen = self.scores >= score
        return Detections(self.corners[chosen], self.classes[chosen], self.scores[chosen])

    def scaled(self, *, width: float, height: float) -> Detections:
        """The same in pixels of a picture of that size."""
        factors = np.array([width, height, width, height], np.float32)
        return Detections(self.corners * factors, self.classes, self.scores)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities over the last axis, in the logits' own precision."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def detect(
    class_logits: np.ndarray,
    offsets: np.ndarray,
    anchors: AnchorSpec,
    *,
    table: np.ndarray | None = None,
    score_threshold: float = 0.01,
    iou_threshold: float = 0.45,
    method: NmsMethod = "hard",
    limit: int = 100,
) -> Detections:
    """The objects of one picture.

    Args:
        class_logits: float32 (count, 1 + classes), background first.
        offsets: float32 (count, 4), the box outputs.
        table: `anchors.table()`, if the caller has it already.
        score_threshold, iou_threshold: of `nms`; soft suppression has no IoU threshold.
        limit: so many of the best over all classes are returned.
    """
    table = anchors.table() if table is None else table
    scores = softmax(class_logits.astype(np.float32))
    corners = decode(
        offsets, table, center_variance=anchors.center_variance, size_variance=anchors.size_variance
    )
    corners = np.clip(corners, 0, 1)
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for index in range(scores.shape[1] - 1):
        column = scores[:, index + 1]
        if method == "soft":
            kept, values = soft_nms(corners, column, score_threshold=score_threshold)
        else:
            kept = nms(corners, column, iou_threshold=iou_threshold, score_threshold=score_threshold)
            values = column[kept]
        found.append((corners[kept], np.full(len(kept), index, np.int64), values))
    places = np.concatenate([part[0] for part in found])
    classes = np.concatenate([part[1] for part in found])
    values = np.concatenate([part[2] for part in found])
    order = np.argsort(-values, kind="stable")[:limit]
    return Detections(places[order], classes[order], values[order])
