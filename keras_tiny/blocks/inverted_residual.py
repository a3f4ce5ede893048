"""Inverted residual with a linear bottleneck (MobileNetV2, arXiv:1801.04381; MobileNetV3, arXiv:1905.02244)."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras_tiny.blocks.activation import Activation
from keras_tiny.blocks.conv import conv_bn, depthwise_bn
from keras_tiny.blocks.squeeze_excite import squeeze_excite
from keras_tiny.keras_api import keras


class InvertedResidual(NamedTuple):
    """What a block hands on: its expansion (after the activation) and its output (linear)."""

    expanded: Any
    output: Any


def inverted_residual(
    x: Any,
    channels: int,
    *,
    expand_to: int | None,
    kernel: int = 3,
    stride: int,
    squeeze_to: int | None = None,
    activation: Activation,
    bn_momentum: float,
    name: str,
) -> InvertedResidual:
    """1×1 expansion, depthwise, [squeeze-and-excite], linear 1×1; the input is added where the shapes agree.

    Args:
        channels: of the output.
        expand_to: channels of the expansion; None leaves the 1×1 convolution out.
        squeeze_to: channels between the two layers of squeeze-and-excite; None leaves it out.
    """
    channels_in = x.shape[-1]
    expanded = x
    if expand_to is not None:
        expanded = conv_bn(
            x, expand_to, kernel=1, activation=activation, bn_momentum=bn_momentum, name=f"{name}_expand"
        )
    y = depthwise_bn(
        expanded, kernel=kernel, stride=stride, activation=activation, bn_momentum=bn_momentum, name=name
    )
    if squeeze_to is not None:
        y = squeeze_excite(y, squeeze_to=squeeze_to, name=f"{name}_se")
    y = conv_bn(y, channels, kernel=1, activation=None, bn_momentum=bn_momentum, name=f"{name}_project")
    if stride == 1 and channels == channels_in:
        y = keras.layers.Add(name=f"{name}_add")([x, y])
    return InvertedResidual(expanded=expanded, output=y)
