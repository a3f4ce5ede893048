"""Boundary F1: do the outlines lie where they should? (Csurka et al., BMVC 2013, counted over the whole set.)

IoU of a large class hardly moves when its outline is off by two pixels; this figure does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_tiny.data.sample import VOID


@dataclass(frozen=True)
class BoundaryCounts:
    """Outline pixels per class, int64 (classes,); the counts of two sets add up.

    Attributes:
        predicted, truth: outline pixels of either side.
        predicted_near, truth_near: those of them that have an outline pixel of the other side nearby.
    """

    predicted: np.ndarray
    predicted_near: np.ndarray
    truth: np.ndarray
    truth_near: np.ndarray

    def __add__(self, other: BoundaryCounts) -> BoundaryCounts:
        return BoundaryCounts(
            self.predicted + other.predicted,
            self.predicted_near + other.predicted_near,
            self.truth + other.truth,
            self.truth_near + other.truth_near,
        )

    def f1(self) -> tuple[float | None, ...]:
        """Per class, 0..1; None for a class without an outline on either side."""
        return tuple(
            _f1(*counts)
            for counts in zip(
                self.predicted.tolist(),
                self.predicted_near.tolist(),
                self.truth.tolist(),
                self.truth_near.tolist(),
                strict=True,
            )
        )

    def mean_f1(self) -> float:
        """Over the classes with an outline, 0..1; NaN where there is none."""
        known = [figure for figure in self.f1() if figure is not None]
        return float(np.mean(known)) if known else float("nan")


def boundary_counts(
    truth: np.ndarray, predicted: np.ndarray, *, num_classes: int, tolerance_px: int = 2
) -> BoundaryCounts:
    """Compare the outlines of two masks, or of two stacks of masks.

    An outline pixel of a class has a neighbour (left, right, above, below) of another class; the picture's edge and
    void make no outline. Pixels whose truth is void are in neither outline.

    Args:
        truth, predicted: classes (height, width) or (n, height, width).
        tolerance_px: Euclidean distance within which an outline pixel counts as found.
    """
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.shape != predicted.shape or truth.ndim not in (2, 3):
        raise ValueError(
            f"truth {truth.shape} and predicted {predicted.shape} must be one (n, height, width)"
        )
    # What is void for one is void for the other: it can neither be hit nor missed.
    predicted = np.where(truth == VOID, VOID, predicted)
    wanted, found = _outline(truth), _outline(predicted)
    found_near = _near(found, predicted, wanted, truth, radius=tolerance_px)
    wanted_near = _near(wanted, truth, found, predicted, radius=tolerance_px)

    def per_class(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
        return np.bincount(mask[pixels], minlength=num_classes).astype(np.int64)

    return BoundaryCounts(
        per_class(found, predicted),
        per_class(found_near, predicted),
        per_class(wanted, truth),
        per_class(wanted_near, truth),
    )


def _outline(mask: np.ndarray) -> np.ndarray:
    """Pixels with a neighbour of another class, bool."""
    outline = np.zeros(mask.shape, bool)
    for first, second in (
        ((..., slice(None, -1), slice(None)), (..., slice(1, None), slice(None))),
        ((..., slice(None), slice(None, -1)), (..., slice(None), slice(1, None))),
    ):
        a, b = mask[first], mask[second]
        differs = (a != b) & (a != VOID) & (b != VOID)
        outline[first] |= differs
        outline[second] |= differs
    return outline


def _near(
    outline: np.ndarray, mask: np.ndarray, others: np.ndarray, other: np.ndarray, *, radius: int
) -> np.ndarray:
    """Those pixels of `outline` that have an outline pixel of the other mask, of the same class, within `radius`."""
    near = np.zeros_like(outline)
    height, width = outline.shape[-2:]
    rows, columns = min(radius, height - 1), min(radius, width - 1)
    for dy in range(-rows, rows + 1):
        for dx in range(-columns, columns + 1):
            if dy * dy + dx * dx <= radius * radius:
                here = (..., slice(max(dy, 0), height + min(dy, 0)), slice(max(dx, 0), width + min(dx, 0)))
                there = (
                    ...,
                    slice(max(-dy, 0), height + min(-dy, 0)),
                    slice(max(-dx, 0), width + min(-dx, 0)),
                )
                near[here] |= others[there] & (other[there] == mask[here])
    return near & outline


def _f1(predicted: int, predicted_near: int, truth: int, truth_near: int) -> float | None:
    if not predicted and not truth:
        return None
    if not predicted_near or not truth_near:
        return 0.0
    precision, recall = predicted_near / predicted, truth_near / truth
    return 2 * precision * recall / (precision + recall)
