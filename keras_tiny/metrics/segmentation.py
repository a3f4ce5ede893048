"""Segmentation: every figure from one confusion matrix over the whole set, never a mean of figures per picture.

Intersection over union as in PASCAL VOC (Everingham et al., IJCV 111, 2015): void pixels count nowhere, and a class
that occurs neither in the truth nor in the answers has no figure and no part in the means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_tiny.data.sample import VOID
from keras_tiny.metrics.boundary import boundary_counts


@dataclass(frozen=True)
class MaskClassFigures:
    """One class; None where the figure is 0/0.

    Attributes:
        iou: intersection over union, 0..1.
        dice: 2 |A ∩ B| / (|A| + |B|), 0..1.
        pixels: that are this class in the truth.
    """

    iou: float | None
    dice: float | None
    pixels: int


def decide(outputs: np.ndarray, *, threshold: float = 0.0) -> np.ndarray:
    """Scores (..., channels), float or int8, → masks uint8 (...).

    Several channels: the largest wins, the lowest index of equal ones. One channel: class 1 where the score is
    greater than `threshold`, else class 0.

    Args:
        threshold: in the unit of the scores; `score_threshold` makes it from a probability.
    """
    outputs = np.asarray(outputs)
    if not 1 <= outputs.shape[-1] <= VOID:
        raise ValueError(f"outputs have shape {outputs.shape}; the last axis is 1..{VOID} channels")
    if outputs.shape[-1] == 1:
        return (outputs[..., 0] > threshold).astype(np.uint8)
    return outputs.argmax(axis=-1).astype(np.uint8)


def score_threshold(probability: float, *, logits: bool) -> float:
    """The score above which a pixel is foreground, for a threshold on its probability, 0 < probability < 1.

    A threshold of 0.5 on logits would be one of 0.62 on probabilities.
    """
    if not 0 < probability < 1:
        raise ValueError(f"probability is {probability}, it must be between 0 and 1")
    return float(np.log(probability / (1 - probability))) if logits else probability


def pixel_confusion(truth: np.ndarray, predicted: np.ndarray, *, num_classes: int) -> np.ndarray:
    """Counts of pixels, int64 (classes, classes): row is the truth, column what was predicted.

    Args:
        truth: classes of any shape; `VOID` pixels are left out.
        predicted: of the same shape, always a class.
    """
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    if truth.shape != predicted.shape:
        raise ValueError(f"truth {truth.shape} and predicted {predicted.shape} must be of one shape")
    judged = truth != VOID
    for name, classes in (("truth", truth[judged]), ("predicted", predicted[judged])):
        if classes.size and not 0 <= classes.min() <= classes.max() < num_classes:
            raise ValueError(
                f"{name} has class {classes.max()}, with {num_classes} classes it is 0..{num_classes - 1}"
            )
    cells = truth[judged].astype(np.int64) * num_classes + predicted[judged]
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes).astype(np.int64)


def pixel_accuracy(confusion: np.ndarray) -> float:
    """Share of the judged pixels that are right, 0..1; NaN where nothing was judged."""
    total = confusion.sum()
    return float(np.trace(confusion) / total) if total else float("nan")


def mask_figures(confusion: np.ndarray) -> tuple[MaskClassFigures, ...]:
    """IoU, Dice and pixels of every class of a `pixel_confusion`."""
    hits, truth, predicted = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)

    def share(part: int, whole: int) -> float | None:
        return float(part / whole) if whole else None

    return tuple(
        MaskClassFigures(
            share(hits[c], truth[c] + predicted[c] - hits[c]),
            share(2 * hits[c], truth[c] + predicted[c]),
            int(truth[c]),
        )
        for c in range(len(confusion))
    )


def mean_iou(confusion: np.ndarray) -> float:
    """Mean IoU over the classes that occur in truth or answers, 0..1; NaN where none does."""
    return _mean([figures.iou for figures in mask_figures(confusion)])


def mean_dice(confusion: np.ndarray) -> float:
    """Mean Dice over the classes that occur in truth or answers, 0..1; NaN where none does."""
    return _mean([figures.dice for figures in mask_figures(confusion)])


def enlarge(masks: np.ndarray, *, stride: int) -> np.ndarray:
    """Masks (n, height, width) of a network whose output is smaller than its input, each pixel repeated."""
    return masks if stride == 1 else masks.repeat(stride, axis=1).repeat(stride, axis=2)


def mask_metrics(truth: np.ndarray, predicted: np.ndarray, *, num_classes: int) -> dict[str, float]:
    """What a segmenter is judged by, wherever it runs; 0..1.

    Args:
        truth, predicted: classes (n, height, width); `VOID` pixels of the truth are left out.

    Returns:
        "mean_iou", "pixel_accuracy", "mean_dice", and "boundary_f1" unless no picture has an outline.
    """
    confusion = pixel_confusion(truth, predicted, num_classes=num_classes)
    outlines = boundary_counts(truth, predicted, num_classes=num_classes).mean_f1()
    found = {
        "mean_iou": mean_iou(confusion),
        "pixel_accuracy": pixel_accuracy(confusion),
        "mean_dice": mean_dice(confusion),
    }
    return found if np.isnan(outlines) else {**found, "boundary_f1": outlines}


def wrong_shares(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Share of each picture's judged pixels that are wrong, float (n,); 0 for a picture that is all void."""
    judged = truth != VOID
    wrong = ((truth != predicted) & judged).sum(axis=(1, 2))
    return wrong / np.maximum(judged.sum(axis=(1, 2)), 1)


def _mean(figures: list[float | None]) -> float:
    known = [figure for figure in figures if figure is not None]
    return float(np.mean(known)) if known else float("nan")
