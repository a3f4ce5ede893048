"""Metrics in NumPy: float, int8 and device are measured by the same functions."""

from keras_tiny.metrics.agreement import Agreement, agreement, integer_error_histogram
from keras_tiny.metrics.boundary import BoundaryCounts, boundary_counts
from keras_tiny.metrics.classification import (
    ClassFigures,
    accuracy,
    confusion_matrix,
    macro_f1,
    per_class,
    top_k_accuracy,
)
from keras_tiny.metrics.segmentation import (
    MaskClassFigures,
    decide,
    enlarge,
    mask_figures,
    mask_metrics,
    mean_dice,
    mean_iou,
    pixel_accuracy,
    pixel_confusion,
    score_threshold,
    wrong_shares,
)

__all__ = [
    "Agreement",
    "BoundaryCounts",
    "ClassFigures",
    "MaskClassFigures",
    "accuracy",
    "agreement",
    "boundary_counts",
    "confusion_matrix",
    "decide",
    "enlarge",
    "integer_error_histogram",
    "macro_f1",
    "mask_figures",
    "mask_metrics",
    "mean_dice",
    "mean_iou",
    "per_class",
    "pixel_accuracy",
    "pixel_confusion",
    "score_threshold",
    "top_k_accuracy",
    "wrong_shares",
]
