"""The compiler: an int8 .tflite file → plain C99 with a static memory plan. No TensorFlow."""

from mcu.compiler.compiled import CompiledModel, compile_model, emit
from mcu.compiler.operators import ALIASES, EMITTERS
from mcu.compiler.problems import UnsupportedModel

SUPPORTED_OPERATORS = frozenset(EMITTERS) | ALIASES

__all__ = [
    "ALIASES",
    "EMITTERS",
    "SUPPORTED_OPERATORS",
    "CompiledModel",
    "UnsupportedModel",
    "compile_model",
    "emit",
]
