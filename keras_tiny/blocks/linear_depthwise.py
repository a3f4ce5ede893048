"""Linear depthwise blocks LB and dense linear depthwise blocks DLB (EtinyNet, AAAI 2022)."""

from __future__ import annotations

from typing import Any, Literal

from keras_tiny.blocks.activation import Activation, activate
from keras_tiny.blocks.conv import batch_norm, conv, depthwise
from keras_tiny.keras_api import keras

Shortcut = Literal["project", "identity"]
SHORTCUTS: tuple[Shortcut, ...] = ("project", "identity")

NormOrder = Literal["bn_relu", "relu_bn"]
NORM_ORDERS: tuple[NormOrder, ...] = ("bn_relu", "relu_bn")


def norm_and_activate(
    x: Any, *, norm_order: NormOrder, activation: Activation, bn_momentum: float, name: str
) -> Any:
    """BatchNorm → activation, or the other way round as EtinyNet's published code has it.

    "relu_bn" keeps BatchNorm from folding: it costs a multiplication and an addition per tensor on the device.
    """
    if norm_order == "relu_bn":
        return batch_norm(activate(x, activation, name=name), momentum=bn_momentum, name=name)
    return activate(batch_norm(x, momentum=bn_momentum, name=name), activation, name=name)


def linear_depthwise(
    x: Any,
    channels: int,
    *,
    stride: int,
    norm_order: NormOrder,
    activation: Activation,
    bn_momentum: float,
    name: str,
) -> Any:
    """LB: 3×3 depthwise and 1×1 with nothing but BatchNorm between them, then another 3×3 depthwise."""
    y = _linear_part(x, channels, stride, norm_order, activation, bn_momentum, name)
    return _last_depthwise(y, norm_order, activation, bn_momentum, name)


def dense_linear_depthwise(
    x: Any,
    channels: int,
    *,
    stride: int,
    shortcut: Shortcut,
    norm_order: NormOrder,
    activation: Activation,
    bn_momentum: float,
    name: str,
) -> Any:
    """DLB: as LB, with sums around both halves.

    Args:
        shortcut: "identity" is the paper's wiring: no projection where the shape changes. "project" is the wiring
            behind TinyML_Det's table: the input enters the last sum too, projected where the shape changes.
    """
    same_shape = stride == 1 and x.shape[-1] == channels
    a = _linear_part(x, channels, stride, norm_order, activation, bn_momentum, name)
    if same_shape:
        a = keras.layers.Add(name=f"{name}_inner_add")([a, x])
    z = _last_depthwise(a, norm_order, activation, bn_momentum, name)
    # Sums of two, not of three: each has a range of its own once it is quantized.
    y = keras.layers.Add(name=f"{name}_add")([z, a])
    if shortcut == "identity":
        return y
    if not same_shape:
        x = _projection(x, channels, stride, norm_order, activation, bn_momentum, f"{name}_shortcut")
    return keras.layers.Add(name=f"{name}_shortcut_add")([y, x])


def _linear_part(
    x: Any,
    channels: int,
    stride: int,
    norm_order: NormOrder,
    activation: Activation,
    bn_momentum: float,
    name: str,
) -> Any:
    x = depthwise(x, kernel=3, stride=stride, name=f"{name}_first")
    x = batch_norm(x, momentum=bn_momentum, name=f"{name}_first_depthwise")
    x = conv(x, channels, kernel=1, name=f"{name}_point")
    return norm_and_activate(
        x, norm_order=norm_order, activation=activation, bn_momentum=bn_momentum, name=f"{name}_point"
    )


def _last_depthwise(
    x: Any, norm_order: NormOrder, activation: Activation, bn_momentum: float, name: str
) -> Any:
    return norm_and_activate(
        depthwise(x, kernel=3, name=f"{name}_last"),
        norm_order=norm_order,
        activation=activation,
        bn_momentum=bn_momentum,
        name=f"{name}_last_depthwise",
    )


def _projection(
    x: Any,
    channels: int,
    stride: int,
    norm_order: NormOrder,
    activation: Activation,
    bn_momentum: float,
    name: str,
) -> Any:
    """Depthwise 1×1 with the stride, then 1×1 to `channels`; both with bias, no BatchNorm on the second."""
    x = depthwise(x, kernel=1, stride=stride, use_bias=True, name=name)
    x = norm_and_activate(
        x, norm_order=norm_order, activation=activation, bn_momentum=bn_momentum, name=f"{name}_depthwise"
    )
    return conv(x, channels, kernel=1, use_bias=True, name=name)
