"""Reader of .tflite files: audit, profile, fits and the compiler all use it. No TensorFlow."""

from mcu.tflite.model import FLOAT_TYPES, ITEM_BITS, TfliteModel, TfliteOperator, TfliteTensor
from mcu.tflite.reader import read_model
from mcu.tflite.shapes import check_graph

__all__ = ["FLOAT_TYPES", "ITEM_BITS", "TfliteModel", "TfliteOperator", "TfliteTensor", "check_graph", "read_model"]
