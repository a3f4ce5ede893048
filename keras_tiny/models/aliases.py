"""TinyMachines' own constructors: the same networks under its signatures, with its output activations.

They differ from the builders in one thing: Julia's models take images of any size, a model for a microcontroller has
one, so there is `input_size`.
"""

from __future__ import annotations

from keras_tiny.blocks.activation import Activation
from keras_tiny.keras_api import keras
from keras_tiny.models.espnet import espnet
from keras_tiny.models.mobile_unet import mobile_unet
from keras_tiny.models.unet import unet4, unet5

INPUT_SIZE = 256


def UNet5(
    ch_in: int = 3,
    ch_out: int = 1,
    activation: Activation = "relu",
    alpha: int = 1,
    verbose: bool = False,
    *,
    input_size: int = INPUT_SIZE,
) -> keras.Model:
    """`unet5` for a square image of `input_size` pixels, sigmoid or softmax; `verbose` returns the features."""
    return unet5(
        (input_size, input_size, ch_in),
        num_classes=ch_out,
        activation=activation,
        alpha=alpha,
        output_activation="auto",
        return_features=verbose,
    )


def UNet4(
    ch_in: int = 3,
    ch_out: int = 1,
    activation: Activation = "relu",
    alpha: int = 1,
    verbose: bool = False,
    *,
    input_size: int = INPUT_SIZE,
) -> keras.Model:
    """`unet4` for a square image of `input_size` pixels, sigmoid or softmax; `verbose` returns the features."""
    return unet4(
        (input_size, input_size, ch_in),
        num_classes=ch_out,
        activation=activation,
        alpha=alpha,
        output_activation="auto",
        return_features=verbose,
    )


def MobileUNet(
    ch_in: int = 3, ch_out: int = 1, verbose: bool = False, *, input_size: int = INPUT_SIZE
) -> keras.Model:
    """`mobile_unet` for a square image of `input_size` pixels, sigmoid or softmax; `verbose` returns the features."""
    return mobile_unet(
        (input_size, input_size, ch_in),
        num_classes=ch_out,
        output_activation="auto",
        return_features=verbose,
    )


def ESPnet(
    ch_in: int = 3,
    ch_out: int = 1,
    activation: Activation = "relu",
    alpha2: int = 2,
    alpha3: int = 3,
    verbose: bool = False,
    *,
    input_size: int = INPUT_SIZE,
) -> keras.Model:
    """`espnet` for a square image of `input_size` pixels, sigmoid or softmax; `verbose` returns the features."""
    return espnet(
        (input_size, input_size, ch_in),
        num_classes=ch_out,
        activation=activation,
        alpha2=alpha2,
        alpha3=alpha3,
        output_activation="auto",
        return_features=verbose,
    )
