"""Metrics in NumPy: float, int8 and device are measured by the same functions."""

from keras_tiny.metrics.agreement import Agreement, agreement, integer_error_histogram
from keras_tiny.metrics.classification import (
    ClassFigures,
    accuracy,
    confusion_matrix,
    macro_f1,
    per_class,
    top_k_accuracy,
)

__all__ = [
    "Agreement",
    "ClassFigures",
    "accuracy",
    "agreement",
    "confusion_matrix",
    "integer_error_histogram",
    "macro_f1",
    "per_class",
    "top_k_accuracy",
]
