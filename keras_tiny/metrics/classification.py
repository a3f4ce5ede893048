"""Classification: accuracy, top-k, confusion matrix, precision, recall and F1 per class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ClassFigures:
    """One class; None where the figure is 0/0: a class that was never predicted has no precision.

    Attributes:
        precision: of those predicted as this class, the share that are; 0..1.
        recall: of those that are this class, the share that was found; 0..1.
        f1: harmonic mean of both; 0..1.
        support: samples that are this class.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


def accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Share of `predicted` that equals `truth`, 0..1; both are class indices of shape (n,), n >= 1."""
    truth, predicted = _pair(truth, predicted)
    return float(np.mean(truth == predicted))


def top_k_accuracy(truth: np.ndarray, scores: np.ndarray, *, k: int) -> float:
    """Share of samples whose true class is among the `k` highest scores, 0..1.

    A tie is broken towards the lower index, as argmax does, so that k = 1 equals `accuracy` of argmax.

    Args:
        truth: class indices (n,).
        scores: (n, classes), float or int8: only their order matters.
        k: 1 <= k <= classes.
    """
    truth, scores = np.asarray(truth), np.asarray(scores)
    if scores.ndim != 2 or len(scores) != len(truth) or not len(truth):
        raise ValueError(
            f"scores have shape {scores.shape}, {len(truth)} labels need ({len(truth)}, classes)"
        )
    if not 1 <= k <= scores.shape[1]:
        raise ValueError(f"k is {k}, with {scores.shape[1]} classes it is 1..{scores.shape[1]}")
    # int64: the negation of int8's -128 is not an int8.
    wide = scores.astype(np.int64) if np.issubdtype(scores.dtype, np.integer) else scores
    best = np.argsort(-wide, axis=1, kind="stable")[:, :k]
    return float(np.mean((best == truth[:, None]).any(axis=1)))


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray, *, num_classes: int) -> np.ndarray:
    """Counts, int64 (classes, classes): row is the truth, column what was predicted."""
    truth, predicted = _pair(truth, predicted)
    for name, indices in (("truth", truth), ("predicted", predicted)):
        if indices.min() < 0 or indices.max() >= num_classes:
            raise ValueError(
                f"{name} has class {indices.max()}, with {num_classes} classes it is 0..{num_classes - 1}"
            )
    cells = np.bincount(truth * num_classes + predicted, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes).astype(np.int64)


def per_class(confusion: np.ndarray) -> tuple[ClassFigures, ...]:
    """Precision, recall, F1 and support of every class of a `confusion_matrix`."""
    hits = np.diag(confusion)
    predicted, support = confusion.sum(axis=0), confusion.sum(axis=1)
    return tuple(
        ClassFigures(
            _share(hits[c], predicted[c]),
            _share(hits[c], support[c]),
            # 2 hits / (predicted + support) is the harmonic mean without the 0/0 of either part.
            _share(2 * hits[c], predicted[c] + support[c]),
            int(support[c]),
        )
        for c in range(len(confusion))
    )


def macro_f1(confusion: np.ndarray) -> float:
    """Mean F1 over the classes that occur in truth or prediction, 0..1: rare classes count as much as common."""
    scores = [figures.f1 for figures in per_class(confusion) if figures.f1 is not None]
    return float(np.mean(scores))


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None


def _pair(truth: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    truth, predicted = np.asarray(truth, np.int64), np.asarray(predicted, np.int64)
    if truth.ndim != 1 or truth.shape != predicted.shape or not truth.size:
        raise ValueError(f"truth {truth.shape} and predicted {predicted.shape} must be the same (n,), n >= 1")
    return truth, predicted
