"""Convolution → BatchNorm → activation, the unit of nearly every model here.

Padding is TensorFlow's `same` unless a model says otherwise. BatchNorm follows the convolution directly, so that it
folds into it at export; its epsilon is 1e-3 everywhere, as in keras.applications.
"""

from __future__ import annotations

from typing import Any, Literal

from keras_tiny.blocks.activation import Activation, activate
from keras_tiny.keras_api import keras

BN_EPSILON = 1e-3

Padding = Literal["same", "valid"]


def conv(
    x: Any,
    channels: int,
    *,
    kernel: int,
    stride: int = 1,
    dilation: int = 1,
    padding: Padding = "same",
    use_bias: bool = False,
    initializer: Any = "glorot_uniform",
    name: str,
) -> Any:
    """A convolution alone, called `<name>_conv`."""
    return keras.layers.Conv2D(
        channels,
        kernel,
        strides=stride,
        dilation_rate=dilation,
        padding=padding,
        use_bias=use_bias,
        kernel_initializer=initializer,
        name=f"{name}_conv",
    )(x)


def depthwise(
    x: Any,
    *,
    kernel: int,
    stride: int = 1,
    dilation: int = 1,
    use_bias: bool = False,
    initializer: Any = "glorot_uniform",
    name: str,
) -> Any:
    """A depthwise convolution alone, called `<name>_depthwise`."""
    return keras.layers.DepthwiseConv2D(
        kernel,
        strides=stride,
        dilation_rate=dilation,
        padding="same",
        use_bias=use_bias,
        depthwise_initializer=initializer,
        name=f"{name}_depthwise",
    )(x)


def batch_norm(x: Any, *, momentum: float, name: str) -> Any:
    """Batch normalization over the channels, called `<name>_bn`."""
    return keras.layers.BatchNormalization(epsilon=BN_EPSILON, momentum=momentum, name=f"{name}_bn")(x)


def conv_bn(
    x: Any,
    channels: int,
    *,
    kernel: int,
    stride: int = 1,
    dilation: int = 1,
    use_bias: bool = False,
    activation: Activation | None,
    bn_momentum: float,
    initializer: Any = "glorot_uniform",
    name: str,
) -> Any:
    """Convolution → BatchNorm → activation; `activation=None` leaves it linear."""
    x = conv(
        x,
        channels,
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        use_bias=use_bias,
        initializer=initializer,
        name=name,
    )
    x = batch_norm(x, momentum=bn_momentum, name=name)
    return x if activation is None else activate(x, activation, name=name)


def depthwise_bn(
    x: Any,
    *,
    kernel: int,
    stride: int = 1,
    use_bias: bool = False,
    activation: Activation | None,
    bn_momentum: float,
    initializer: Any = "glorot_uniform",
    name: str,
) -> Any:
    """Depthwise convolution → BatchNorm → activation; `activation=None` leaves it linear."""
    x = depthwise(x, kernel=kernel, stride=stride, use_bias=use_bias, initializer=initializer, name=name)
    x = batch_norm(x, momentum=bn_momentum, name=f"{name}_depthwise")
    return x if activation is None else activate(x, activation, name=f"{name}_depthwise")
