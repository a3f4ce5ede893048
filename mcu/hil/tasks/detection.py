"""Detection on the board: objects made of the board's bytes as `keras_tiny/tasks` makes them, the same precision."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keras_tiny.boxes import Boxes, Detections, detect
from keras_tiny.boxes.draw import FOUND, TRUTH, draw_boxes
from keras_tiny.data.clean_boxes import BoxReport, clean
from keras_tiny.data.finding import Finding
from keras_tiny.data.sample import Split
from keras_tiny.metrics.detection import (
    average_precision,
    detection_metrics,
    precision_at_recalls,
    precision_recall,
    verdict,
    voc_average_precision,
)
from keras_tiny.report import ClassTable, TaskPart
from mcu.bundle import Manifest
from mcu.errors import BadInput
from mcu.hil.tasks.task import HilTask

SHOWN_FROM = 0.5  # score from which a detection is shown to a person and counted in "missed" and "wrong"
_NAMED = 4  # objects below a picture
_CURVES = 3  # of single classes beside their mean


@dataclass(frozen=True)
class Truth:
    """Attributes: boxes: in pixels of the picture, clipped to it; width, height: of the picture."""

    boxes: Boxes
    width: int
    height: int


class DetectionOnBoard(HilTask):
    """Truths: list of `Truth`, one per sample."""

    metric = "map50"

    def __init__(self, manifest: Manifest):
        super().__init__(manifest)
        anchors = manifest.anchors
        if anchors is None or len(manifest.outputs) != 2 or manifest.outputs[0].shape[1] != anchors.count:
            raise BadInput(
                f"The bundle '{manifest.name}' is a detector's, but has no anchors for its outputs.",
                hint="Export it again with this version.",
            )
        self._anchors, self._table = anchors, anchors.table()
        self._known: dict[bytes, Detections] = {}

    def check(self, split: Split, where: str) -> None:
        if not split.has_boxes:
            raise BadInput(f"{where} has no boxes, the bundle is for detection.")

    def truths(self, split: Split, indices: Sequence[int]) -> list[Truth]:
        """Pictures are decoded here for their size: boxes are judged in pixels of the original."""
        truths = []
        for index in indices:
            sample = split[index]
            assert sample.boxes is not None, "checked by the plan"
            if len(sample.boxes) and sample.boxes.classes.max() >= len(self.manifest.labels):
                raise BadInput(
                    f"{sample.id} has a box of class {sample.boxes.classes.max()}, not in the bundle."
                )
            height, width = sample.image.shape[:2]
            boxes = clean(sample.boxes, width=width, height=height, name=sample.id, report=BoxReport())
            truths.append(Truth(boxes, width, height))
        return truths

    def seen(self, output: np.ndarray) -> Detections:
        """One answer, bytes int8 (bytes,) → its objects, corners as shares of the picture."""
        key = hashlib.blake2b(output.tobytes()).digest()
        if key not in self._known:
            logits, offsets = (part[0] for part in self.real(output[None]))
            self._known[key] = detect(logits, offsets, self._anchors, table=self._table)
        return self._known[key]

    def metrics(self, outputs: np.ndarray, truths: list[Truth]) -> dict[str, float]:
        return detection_metrics(*self._judged(outputs, truths), num_classes=len(self.manifest.labels))

    def part(self, desk: np.ndarray, board: np.ndarray, truths: list[Truth]) -> TaskPart:
        boxes, found = self._judged(board, truths)
        labels = self.manifest.labels
        at_75 = voc_average_precision(boxes, found, num_classes=len(labels), iou_threshold=0.75)
        rows: dict[str, tuple[float | None, ...]] = {}
        precisions: dict[str, np.ndarray] = {}
        for index, label in enumerate(labels):
            curve = precision_recall(boxes, found, label=index)
            recall = float(curve.recall[-1]) if len(curve.recall) else 0.0
            shares = (recall, at_75[index], average_precision(curve))
            known = [float(share) if curve.objects else None for share in shares]
            rows[label] = (float(curve.objects), *known)
            if curve.objects:
                precisions[label] = precision_at_recalls(curve)
        return TaskPart(
            labels=labels,
            classes=ClassTable(columns=("objects", "recall", "AP at IoU .75", "AP at IoU .5"), rows=rows),
            precisions=_few(precisions),
            mistakes_note="Samples with the most objects missed and detections wrong first, at a score of one half. "
            "From left to right: the truth in green, the desk's answer and the board's in orange.",
        )

    def worst(self, board: np.ndarray, truths: list[Truth]) -> list[int]:
        wrong = np.array([sum(self._missed_and_wrong(board, truths, at)) for at in range(len(board))])
        return [int(at) for at in np.argsort(-wrong, kind="stable") if wrong[at]]

    def said(self, output: np.ndarray) -> str:
        found = self.seen(output).above(SHOWN_FROM)
        return _listed([self.manifest.labels[label] for label in found.classes])

    def said_truth(self, truths: list[Truth], at: int) -> str:
        return _listed([self.manifest.labels[label] for label in truths[at].boxes.classes])

    def remark(self, board: np.ndarray, truths: list[Truth], at: int) -> str:
        missed, wrong = self._missed_and_wrong(board, truths, at)
        return f"{missed} missed, {wrong} wrong"

    def picture(
        self, image: np.ndarray, desk: np.ndarray, board: np.ndarray, truths: list[Truth], at: int
    ) -> np.ndarray:
        """Truth, desk and board, side by side."""
        truth = truths[at]
        corners = truth.boxes.corners / [truth.width, truth.height, truth.width, truth.height]
        words = [self.manifest.labels[label] for label in truth.boxes.classes]
        panels = [draw_boxes(image, corners, words, colour=TRUTH)]
        for outputs in (desk, board):
            found = self.seen(outputs[at]).above(SHOWN_FROM)
            words = [f"{each.label} {each.score:.0%}" for each in self.findings(outputs[at])]
            panels.append(draw_boxes(image, found.corners, words, colour=FOUND))
        return np.concatenate(panels, axis=1)

    def findings(self, output: np.ndarray) -> list[Finding]:
        found = self.seen(output).above(SHOWN_FROM)
        return [
            Finding(self.manifest.labels[label], float(score), (float(x1), float(y1), float(x2), float(y2)))
            for label, score, (x1, y1, x2, y2) in zip(found.classes, found.scores, found.corners, strict=True)
        ]

    def _judged(self, outputs: np.ndarray, truths: list[Truth]) -> tuple[list[Boxes], list[Detections]]:
        """Truths and detections in pixels of the pictures."""
        found = [
            self.seen(output).scaled(width=truth.width, height=truth.height)
            for output, truth in zip(outputs, truths, strict=True)
        ]
        return [truth.boxes for truth in truths], found

    def _missed_and_wrong(self, board: np.ndarray, truths: list[Truth], at: int) -> tuple[int, int]:
        boxes, found = self._judged(board[at : at + 1], truths[at : at + 1])
        result = verdict(boxes[0], found[0], score=SHOWN_FROM)
        return result.missed, result.wrong


def _few(precisions: dict[str, np.ndarray]) -> dict[str, list[float]]:
    """The mean over classes and the three worst of them; one class alone is its own mean."""
    if len(precisions) < 2:
        return {label: values.tolist() for label, values in precisions.items()}
    worst = sorted(precisions, key=lambda label: float(precisions[label].mean()))[:_CURVES]
    mean = np.mean(list(precisions.values()), axis=0)
    return {"mean": mean.tolist(), **{label: precisions[label].tolist() for label in worst}}


def _listed(words: list[str]) -> str:
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return ", ".join(words[:_NAMED]) + more or "nothing"
