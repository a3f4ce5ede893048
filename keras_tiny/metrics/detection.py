"""Detection: average precision as Pascal VOC counts it, with 11 points or as an area, and as COCO does.

Sources: Everingham et al., The Pascal Visual Object Classes Challenge, IJCV 2010 and 2015; Lin et al., Microsoft COCO,
arXiv:1405.0312, and its evaluation code, with which the figures here agree to 1e-6. Boxes cover half-open intervals:
VOC's own code adds a pixel to every side, which no other does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from keras_tiny.boxes.boxes import Boxes
from keras_tiny.boxes.detections import Detections
from keras_tiny.boxes.iou import area, intersection, iou

Method = Literal["area", "11_point"]

COCO_IOUS = np.linspace(0.5, 0.95, 10)
COCO_RECALLS = np.linspace(0, 1, 101)
# Areas in square pixels of the picture.
COCO_SIZES = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
COCO_LIMIT = 100  # detections of a class that count in one picture


@dataclass(frozen=True)
class Curve:
    """Precision over recall of one class, a point for each detection from the surest down.

    Attributes:
        scores, recall, precision: float64 (detections that count,), 0..1.
        objects: that were there to be found; without any, recall and precision mean nothing.
    """

    scores: np.ndarray
    recall: np.ndarray
    precision: np.ndarray
    objects: int


@dataclass(frozen=True)
class CocoFigures:
    """COCO's figures, 0..1; NaN where there is no object of the kind.

    Attributes:
        ap: mean over IoU .5, .55 … .95 and over classes; ap50 and ap75 at one IoU.
        ap_small, ap_medium, ap_large: of objects below 32², up to 96², and above, in square pixels.
        per_class: `ap` of each class, (classes,).
    """

    ap: float
    ap50: float
    ap75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    per_class: np.ndarray


def average_precision(curve: Curve, *, method: Method = "area") -> float:
    """0..1, NaN for a class without objects.

    Args:
        method: "area" under the envelope (VOC 2010 and later); "11_point" averages it at recall 0, 0.1 … 1 (VOC 2007).
    """
    if not curve.objects:
        return float("nan")
    envelope = np.maximum.accumulate(curve.precision[::-1])[::-1]
    if method == "area":
        steps = np.diff(np.concatenate([[0.0], curve.recall]))
        return float((steps * envelope).sum())
    # Recall is a whole number over another: 3/10 must count as reaching 0.3.
    reached = [envelope[curve.recall >= point - 1e-12] for point in np.arange(11) / 10]
    return float(np.mean([part[0] if len(part) else 0.0 for part in reached]))


def precision_at_recalls(curve: Curve) -> np.ndarray:
    """The best precision at a recall of 1 %, 2 % … 100 % and beyond, float64 (100,); 0 where it is not reached."""
    envelope = np.append(np.maximum.accumulate(curve.precision[::-1])[::-1], 0.0)
    return envelope[np.searchsorted(curve.recall, np.arange(1, 101) / 100 - 1e-12, side="left")]


def precision_recall(
    truths: Sequence[Boxes], found: Sequence[Detections], *, label: int, iou_threshold: float = 0.5
) -> Curve:
    """The curve of one class by VOC's rule.

    Each detection, from the surest down, answers for the object that it overlaps most. It is right if their IoU is at
    least `iou_threshold` and nobody was there before; on a difficult object it counts neither way.

    Args:
        truths, found: one per picture, in the same unit.
        label: the class's index.
    """
    scores, right, counts, objects = [], [], [], 0
    for truth, detections in zip(truths, found, strict=True):
        own, theirs = truth.classes == label, detections.classes == label
        objects += int((own & ~truth.difficult).sum())
        order = np.argsort(-detections.scores[theirs], kind="stable")
        values = detections.scores[theirs][order]
        hit, counted = np.zeros(len(values), bool), np.ones(len(values), bool)
        if own.any() and len(values):
            overlap = iou(detections.corners[theirs][order], truth.corners[own])
            difficult, taken = truth.difficult[own], np.zeros(int(own.sum()), bool)
            for place, best in enumerate(overlap.argmax(axis=1)):
                if overlap[place, best] < iou_threshold:
                    continue
                counted[place] = not difficult[best]
                hit[place] = not difficult[best] and not taken[best]
                taken[best] = True
        scores.append(values[counted])
        right.append(hit[counted])
        counts.append(counted.sum())
    return _curve(np.concatenate([[], *scores]), np.concatenate([np.zeros(0, bool), *right]), objects)


def voc_average_precision(
    truths: Sequence[Boxes],
    found: Sequence[Detections],
    *,
    num_classes: int,
    iou_threshold: float = 0.5,
    method: Method = "area",
) -> np.ndarray:
    """Average precision of every class, float64 (num_classes,); NaN for a class without objects that count."""
    return np.array(
        [
            average_precision(
                precision_recall(truths, found, label=label, iou_threshold=iou_threshold), method=method
            )
            for label in range(num_classes)
        ]
    )


def mean_over_classes(values: np.ndarray) -> float:
    """The mean of those that are there; 0 if there is none, as nothing was found that was there."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def detection_metrics(
    truths: Sequence[Boxes], found: Sequence[Detections], *, num_classes: int
) -> dict[str, float]:
    """The figures by which detectors are compared, 0..1, the first of them the one that decides.

    Args:
        truths, found: one per picture, in pixels of the picture.

    Returns:
        map50 and map50_11_point: mean over classes of VOC's average precision at IoU 0.5; map50_95: COCO's.
    """
    curves = [precision_recall(truths, found, label=label) for label in range(num_classes)]
    return {
        "map50": mean_over_classes(np.array([average_precision(curve) for curve in curves])),
        "map50_11_point": mean_over_classes(
            np.array([average_precision(curve, method="11_point") for curve in curves])
        ),
        "map50_95": mean_over_classes(
            np.array([_coco_class(truths, found, label, COCO_SIZES["all"]) for label in range(num_classes)])
        ),
    }


@dataclass(frozen=True)
class Verdict:
    """What became of one picture's objects and detections at one score.

    Attributes:
        hits: objects that were found.
        missed: objects that were not, difficult ones left out.
        wrong: detections that are on no object of their class, or on one that was found already.
    """

    hits: int
    missed: int
    wrong: int


def verdict(truth: Boxes, found: Detections, *, score: float = 0.5, iou_threshold: float = 0.5) -> Verdict:
    """One picture, judged as a person would who sees the detections from `score` up."""
    sure = found.above(score)
    hits = wrong = 0
    for label in np.union1d(truth.classes, sure.classes):
        curve = precision_recall([truth], [sure], label=int(label), iou_threshold=iou_threshold)
        right = round(float(curve.recall[-1]) * curve.objects) if len(curve.recall) and curve.objects else 0
        hits += right
        wrong += len(curve.scores) - right
    return Verdict(hits, int((~truth.difficult).sum()) - hits, wrong)


def coco_average_precision(
    truths: Sequence[Boxes], found: Sequence[Detections], *, num_classes: int
) -> CocoFigures:
    """COCO's average precision over ten IoU thresholds, by size and class.

    Args:
        truths, found: one per picture, in pixels of the picture; a difficult object is COCO's `iscrowd`, a region in
            which any number of detections count neither way.
    """
    table = {
        size: np.array([_coco_class(truths, found, label, limits) for label in range(num_classes)])
        for size, limits in COCO_SIZES.items()
    }  # each (classes, IoU thresholds)

    def mean(values: np.ndarray) -> float:
        known = values[~np.isnan(values)]
        return float(known.mean()) if known.size else float("nan")

    return CocoFigures(
        ap=mean(table["all"]),
        ap50=mean(table["all"][:, 0]),
        ap75=mean(table["all"][:, 5]),
        ap_small=mean(table["small"]),
        ap_medium=mean(table["medium"]),
        ap_large=mean(table["large"]),
        per_class=table["all"].mean(axis=1),
    )


def _coco_class(
    truths: Sequence[Boxes], found: Sequence[Detections], label: int, limits: tuple[float, float]
) -> np.ndarray:
    """Average precision of one class at each IoU threshold, (10,)."""
    scores, hits, ignored, objects = [np.zeros(0)], [np.zeros((10, 0), bool)], [np.zeros((10, 0), bool)], 0
    for truth, detections in zip(truths, found, strict=True):
        own, theirs = truth.classes == label, np.flatnonzero(detections.classes == label)
        theirs = theirs[np.argsort(-detections.scores[theirs], kind="stable")][:COCO_LIMIT]
        corners, crowd = truth.corners[own].astype(np.float64), truth.difficult[own]
        left_out = crowd | _outside(corners, limits)
        objects += int((~left_out).sum())
        if len(theirs):
            boxes = detections.corners[theirs].astype(np.float64)
            order = np.argsort(left_out, kind="stable")
            hit, skip = _coco_match(boxes, corners[order], crowd[order], left_out[order])
            hits.append(hit)
            ignored.append(skip | (~hit & _outside(boxes, limits)))
            scores.append(detections.scores[theirs])
    if not objects:
        return np.full(len(COCO_IOUS), np.nan)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    hit, skip = np.concatenate(hits, axis=1)[:, order], np.concatenate(ignored, axis=1)[:, order]
    return np.array([_sampled(h[~s], objects) for h, s in zip(hit, skip, strict=True)])


def _coco_match(
    boxes: np.ndarray, corners: np.ndarray, crowd: np.ndarray, left_out: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which boxes have a match, and whose match does not count: bool (10, n) each; boxes from the surest down.

    An object that counts is preferred to one that does not, then the larger overlap, the later one of equals; a crowd
    may be matched again and again. Objects that do not count come last.
    """
    shape = (len(COCO_IOUS), len(boxes))
    hit, skip = np.zeros(shape, bool), np.zeros(shape, bool)
    if not len(corners):
        return hit, skip
    shared = intersection(boxes, corners)
    union = area(boxes)[:, None] + np.where(crowd, 0.0, area(corners)) - np.where(crowd, 0.0, shared)
    overlap = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    taken = np.zeros((len(COCO_IOUS), len(corners)), bool)
    rows = np.arange(len(COCO_IOUS))
    for place in range(len(boxes)):
        free = (~taken | crowd) & (overlap[place] >= COCO_IOUS[:, None])
        rank = np.where(free, overlap[place] + 2.0 * ~left_out, -1.0)
        best = rank.shape[1] - 1 - rank[:, ::-1].argmax(axis=1)
        matched = rank[rows, best] >= 0
        hit[:, place] = matched
        skip[:, place] = matched & left_out[best]
        taken[rows[matched], best[matched]] = True
    return hit, skip


def _sampled(right: np.ndarray, objects: int) -> float:
    """The envelope's mean at 101 recalls."""
    curve = _curve(-np.arange(len(right), dtype=float), right, objects)
    envelope = np.maximum.accumulate(curve.precision[::-1])[::-1]
    places = np.searchsorted(curve.recall, COCO_RECALLS, side="left")
    return float(np.append(envelope, 0.0)[places].mean())


def _curve(scores: np.ndarray, right: np.ndarray, objects: int) -> Curve:
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(right[order])
    return Curve(scores[order], hits / max(objects, 1), hits / np.arange(1, len(hits) + 1), objects)


def _outside(corners: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    areas = area(corners)
    return (areas < limits[0]) | (areas > limits[1])
