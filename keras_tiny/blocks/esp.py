"""Efficient spatial pyramid (ESPNet, arXiv:1803.06815, section 3.1), as TinyMachines defines it."""

from __future__ import annotations

from typing import Any, Literal

from keras_tiny.blocks.activation import Activation, activate
from keras_tiny.blocks.conv import batch_norm, conv, conv_bn
from keras_tiny.blocks.initializers import HE_NORMAL
from keras_tiny.keras_api import keras

DILATIONS = (1, 2, 4, 8)

Fusion = Literal["seed", "paper"]
FUSIONS: tuple[Fusion, ...] = ("seed", "paper")


def point_then_conv(
    x: Any, channels: int, *, stride: int, activation: Activation, bn_momentum: float, name: str
) -> Any:
    """1×1 without bias, then 3×3 with bias and stride → BatchNorm → activation: a pyramid of one branch."""
    x = conv(x, channels, kernel=1, initializer=HE_NORMAL, name=f"{name}_point")
    return conv_bn(
        x,
        channels,
        kernel=3,
        stride=stride,
        use_bias=True,
        activation=activation,
        bn_momentum=bn_momentum,
        initializer=HE_NORMAL,
        name=name,
    )


def esp(x: Any, *, fusion: Fusion, activation: Activation, bn_momentum: float, name: str) -> Any:
    """1×1 to a quarter of the channels, four 3×3 of dilation 1, 2, 4, 8, their running sums side by side, plus `x`.

    Args:
        fusion: "seed": BatchNorm and activation in each branch, every sum contains the first branch, nothing after
            the residual. "paper": linear branches, the first is left out of the sums, BatchNorm and activation after
            the residual; that BatchNorm cannot fold.
    """
    channels = x.shape[-1]
    reduced = conv(x, channels // len(DILATIONS), kernel=1, initializer=HE_NORMAL, name=f"{name}_reduce")
    branches = []
    for dilation in DILATIONS:
        branch = conv(
            reduced,
            channels // len(DILATIONS),
            kernel=3,
            dilation=dilation,
            use_bias=True,
            initializer=HE_NORMAL,
            name=f"{name}_d{dilation}",
        )
        if fusion == "seed":
            branch = batch_norm(branch, momentum=bn_momentum, name=f"{name}_d{dilation}")
            branch = activate(branch, activation, name=f"{name}_d{dilation}")
        branches.append(branch)

    sums = [branches[0]] if fusion == "seed" else branches[:2]
    for index in range(len(sums), len(branches)):
        sums.append(keras.layers.Add(name=f"{name}_sum{index + 1}")([branches[index], sums[-1]]))
    y = keras.layers.Concatenate(name=f"{name}_concat")(sums)
    y = keras.layers.Add(name=f"{name}_add")([x, y])
    if fusion == "paper":
        y = activate(batch_norm(y, momentum=bn_momentum, name=name), activation, name=name)
    return y
