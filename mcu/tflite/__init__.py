"""Reader of .tflite files: audit, profile, fits and the compiler all use it. No TensorFlow."""

from mcu.tflite.model import FLOAT_TYPES, ITEM_BITS, TfliteModel, TfliteOperator, TfliteTensor
from mcu.tflite.reader import read_model

__all__ = ["FLOAT_TYPES", "ITEM_BITS", "TfliteModel", "TfliteOperator", "TfliteTensor", "read_model"]
