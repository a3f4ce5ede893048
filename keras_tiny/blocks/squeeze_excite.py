"""Squeeze-and-excite with a hard-sigmoid gate (MobileNetV3, arXiv:1905.02244, section 5.3)."""

from __future__ import annotations

from typing import Any

from keras_tiny.blocks.activation import HardSigmoid, activate
from keras_tiny.blocks.conv import conv
from keras_tiny.keras_api import keras


def squeeze_excite(x: Any, *, squeeze_to: int, name: str) -> Any:
    """`x` times a gate in [0, 1] per channel: mean → 1×1 to `squeeze_to`, ReLU → 1×1 back, hard-sigmoid."""
    channels = x.shape[-1]
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_mean")(x)
    gate = conv(gate, squeeze_to, kernel=1, use_bias=True, name=f"{name}_squeeze")
    gate = activate(gate, "relu", name=f"{name}_squeeze")
    gate = conv(gate, channels, kernel=1, use_bias=True, name=f"{name}_excite")
    gate = HardSigmoid(name=f"{name}_gate")(gate)
    return keras.layers.Multiply(name=f"{name}_multiply")([x, gate])
