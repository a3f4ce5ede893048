"""Inverted residual with a linear bottleneck (MobileNetV2, arXiv:1801.04381, section 3.3)."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras_tiny.blocks.activation import Activation
from keras_tiny.blocks.conv import conv_bn, depthwise_bn
from keras_tiny.keras_api import keras


class InvertedResidual(NamedTuple):
    """What a block hands on: its expansion (after the activation) and its output (linear)."""

    expanded: Any
    output: Any


def inverted_residual(
    x: Any,
    channels: int,
    *,
    expansion: int,
    stride: int,
    activation: Activation,
    bn_momentum: float,
    name: str,
) -> InvertedResidual:
    """1×1 expansion by `expansion` (left out at 1), 3×3 depthwise, linear 1×1; the input is added if it fits."""
    channels_in = x.shape[-1]
    expanded = x
    if expansion != 1:
        expanded = conv_bn(
            x,
            expansion * channels_in,
            kernel=1,
            activation=activation,
            bn_momentum=bn_momentum,
            name=f"{name}_expand",
        )
    y = depthwise_bn(
        expanded, kernel=3, stride=stride, activation=activation, bn_momentum=bn_momentum, name=name
    )
    y = conv_bn(y, channels, kernel=1, activation=None, bn_momentum=bn_momentum, name=f"{name}_project")
    if stride == 1 and channels == channels_in:
        y = keras.layers.Add(name=f"{name}_add")([x, y])
    return InvertedResidual(expanded=expanded, output=y)
