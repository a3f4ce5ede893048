"""Twice the height and width, by a transposed convolution or by resizing."""

from __future__ import annotations

from typing import Any, Literal

from keras_tiny.blocks.activation import Activation, activate
from keras_tiny.blocks.conv import batch_norm, conv
from keras_tiny.blocks.initializers import HE_NORMAL
from keras_tiny.keras_api import keras

Upsample = Literal["transpose", "nearest", "bilinear"]
UPSAMPLES: tuple[Upsample, ...] = ("transpose", "nearest", "bilinear")


def upsample_conv(
    x: Any,
    channels: int,
    *,
    mode: Upsample,
    kernel: int,
    bn_momentum: float | None = None,
    activation: Activation | None = None,
    name: str,
) -> Any:
    """(batch, height, width, c) → (batch, 2·height, 2·width, channels), with bias, [BatchNorm], [activation].

    "transpose" is one transposed convolution with stride 2. The other modes are a 1×1 convolution and a resize after
    it: the two commute, and in this order the convolution has a quarter of the work, its BatchNorm and activation
    fold into it, and the device needs no int32 scratch the size of the output, which TRANSPOSE_CONV does.

    Args:
        kernel: side of the transposed convolution's kernel.
        bn_momentum: of the BatchNorm after the convolution; None leaves it out.
    """
    if mode == "transpose":
        x = keras.layers.Conv2DTranspose(
            channels,
            kernel,
            strides=2,
            padding="same",
            kernel_initializer=HE_NORMAL,
            name=f"{name}_transpose",
        )(x)
    else:
        x = conv(x, channels, kernel=1, use_bias=True, initializer=HE_NORMAL, name=name)
    if bn_momentum is not None:
        x = batch_norm(x, momentum=bn_momentum, name=name)
    if activation is not None:
        x = activate(x, activation, name=name)
    return x if mode == "transpose" else resize(x, mode=mode, name=name)


def resize(x: Any, *, mode: Literal["nearest", "bilinear"], name: str) -> Any:
    """Twice the height and width, no weights; the layer is called `<name>_resize`."""
    return keras.layers.UpSampling2D(2, interpolation=mode, name=f"{name}_resize")(x)
