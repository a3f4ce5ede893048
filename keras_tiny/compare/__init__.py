"""Two results side by side, and one against thresholds: bundles, .tflite files, run records; needs no TensorFlow.

Calling it compares: `keras_tiny.compare(a, b)`; see `keras_tiny.compare.compare.compare`.
"""

import sys
from types import ModuleType

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


class _CallableRoom(ModuleType):
    """The verb and the room have the same name."""

    __call__ = staticmethod(compare)


sys.modules[__name__].__class__ = _CallableRoom
