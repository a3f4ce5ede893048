"""Fire module (SqueezeNet, arXiv:1602.07360, section 3.2)."""

from __future__ import annotations

from typing import Any

from keras_tiny.blocks.activation import Activation, activate
from keras_tiny.blocks.conv import Padding, batch_norm, conv
from keras_tiny.keras_api import keras

HE_UNIFORM = (
    "he_uniform"  # what the reference implementations start from; there is no BatchNorm to correct it
)


def conv_act(
    x: Any,
    channels: int,
    *,
    kernel: int,
    stride: int = 1,
    padding: Padding = "same",
    batch_norm_momentum: float | None,
    activation: Activation,
    name: str,
) -> Any:
    """Convolution with bias → activation; with BatchNorm in place of the bias unless the momentum is None."""
    x = conv(
        x,
        channels,
        kernel=kernel,
        stride=stride,
        padding=padding,
        use_bias=batch_norm_momentum is None,
        initializer=HE_UNIFORM,
        name=name,
    )
    if batch_norm_momentum is not None:
        x = batch_norm(x, momentum=batch_norm_momentum, name=name)
    return activate(x, activation, name=name)


def fire(
    x: Any,
    *,
    squeeze_to: int,
    expand_to: int,
    batch_norm_momentum: float | None,
    activation: Activation,
    name: str,
) -> Any:
    """1×1 to `squeeze_to`, then 1×1 and 3×3 to `expand_to` side by side; the output has 2 × `expand_to` channels."""

    def unit(tensor: Any, channels: int, kernel: int, part: str) -> Any:
        return conv_act(
            tensor,
            channels,
            kernel=kernel,
            batch_norm_momentum=batch_norm_momentum,
            activation=activation,
            name=f"{name}_{part}",
        )

    squeezed = unit(x, squeeze_to, 1, "squeeze")
    return keras.layers.Concatenate(name=f"{name}_concat")(
        [unit(squeezed, expand_to, 1, "expand_1x1"), unit(squeezed, expand_to, 3, "expand_3x3")]
    )
