"""Reader of .tflite files: audit, profile, fits and the compiler all use it. No TensorFlow."""

from mcu.tflite.model import FLOAT_TYPES, ITEM_BITS, TfliteModel, TfliteOperator, TfliteTensor
from mcu.tflite.reader import read_model
from mcu.tflite.shapes import Inconsistency, check_graph, inconsistencies

__all__ = [
    "FLOAT_TYPES",
    "ITEM_BITS",
    "Inconsistency",
    "TfliteModel",
    "TfliteOperator",
    "TfliteTensor",
    "check_graph",
    "inconsistencies",
    "read_model",
]
