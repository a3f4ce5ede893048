"""Quantization-aware training: float model → `quantize` → `calibrate` → train → keras_tiny.export."""

from keras_tiny.quantization.calibrate import calibrate
from keras_tiny.quantization.qat import is_quantized, load, quantize, scope

__all__ = ["calibrate", "is_quantized", "load", "quantize", "scope"]
