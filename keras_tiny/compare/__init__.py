"""Two results side by side, and one against thresholds: bundles, .tflite files, run records; needs no TensorFlow."""

from keras_tiny.compare.compare import Comparison, Difference, LayerDifference, compare
from keras_tiny.compare.gate import Check, gate
from keras_tiny.compare.subject import Subject, read_subject

__all__ = [
    "Check",
    "Comparison",
    "Difference",
    "LayerDifference",
    "Subject",
    "compare",
    "gate",
    "read_subject",
]
