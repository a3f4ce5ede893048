"""U-Net (Ronneberger et al., arXiv:1505.04597) with five or four levels, as TinyMachines v0.1.2 defines it.

Unlike the paper's: `same` padding, one BatchNorm per level, an activation after each up-convolution, dropout by level,
no bias on the last 1×1.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from keras_tiny.blocks.activation import ACTIVATIONS, Activation, activate
from keras_tiny.blocks.conv import conv, conv_bn
from keras_tiny.blocks.initializers import HE_NORMAL
from keras_tiny.blocks.space_to_depth import SpaceToDepth
from keras_tiny.blocks.upsample import UPSAMPLES, Upsample, upsample_conv
from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras
from keras_tiny.models.checks import (
    check_choice,
    check_count,
    check_fraction,
    check_fractions,
    check_num_classes,
    check_output_stride,
    image_input,
)
from keras_tiny.models.outputs import OUTPUT_ACTIVATIONS, OutputActivation, feature_model, finish

CHANNELS = (64, 128, 256, 512, 1024)


class Maps(NamedTuple):
    """Encoder from fine to coarse, decoder from coarse to fine, and the logits."""

    encoder: list[Any]
    decoder: list[Any]
    logits: Any

    def all(self) -> list[Any]:
        """In the order of TinyMachines: enc1 … encN, dec(N-1) … dec1, dec0."""
        return [*self.encoder, *self.decoder, self.logits]


def unet5(
    input_shape: tuple[int, int, int] = (128, 128, 3),
    *,
    num_classes: int = 1,
    alpha: int = 1,
    activation: Activation = "relu",
    upsample: Upsample = "transpose",
    output_stride: Literal[1, 2] = 1,
    output_activation: OutputActivation = "logits",
    dropout: tuple[float, ...] = (0.0, 0.0, 0.1, 0.2, 0.25),
    bn_momentum: float = 0.9,
    return_features: bool = False,
) -> keras.Model:
    """Five levels: (batch, height, width, channels) → (batch, height, width, num_classes), see `output_stride`.

    Args:
        input_shape: (height, width, channels), sides multiples of 16, or of 32 with an `output_stride` of 2.
        num_classes: channels of the output; 1 is foreground or not.
        alpha: divides every number of channels: 64 // alpha … 1024 // alpha.
        activation: the hidden one.
        upsample: "transpose" is TinyMachines' 2×2 transposed convolution; "nearest" and "bilinear" resize.
        output_stride: 2 lays each square of four pixels side by side as channels before the first level: every map
            and the masks then have half the sides and a quarter of the memory, and the host enlarges the masks.
        output_activation: "logits", or "auto" for sigmoid (one channel) or softmax (more).
        dropout: rate at the end of each level's blocks, the first level first; encoder and decoder alike.
        bn_momentum: share of the old statistics that BatchNorm keeps per step.
        return_features: also return [enc1, …, enc5, dec4, …, dec1, logits], as [y, [features...]].

    Raises:
        BadInput: an argument that cannot be used, with what to try.
    """
    check_num_classes(num_classes)
    check_choice(output_activation, OUTPUT_ACTIVATIONS, argument="output_activation")
    check_output_stride(output_stride)
    image = image_input(input_shape, multiple=16 * output_stride)
    maps = _body(image, 5, num_classes, alpha, activation, upsample, output_stride, dropout, bn_momentum)
    return finish(
        image,
        maps.logits,
        maps.all(),
        output_activation=output_activation,
        return_features=return_features,
        name="unet5",
    )


def unet4(
    input_shape: tuple[int, int, int] = (128, 128, 3),
    *,
    num_classes: int = 1,
    alpha: int = 1,
    activation: Activation = "relu",
    upsample: Upsample = "transpose",
    output_stride: Literal[1, 2] = 1,
    output_activation: OutputActivation = "logits",
    dropout: tuple[float, ...] = (0.0, 0.0, 0.1, 0.2),
    bn_momentum: float = 0.9,
    return_features: bool = False,
) -> keras.Model:
    """As `unet5` with four levels: sides multiples of 8 or 16, features [enc1, …, enc4, dec3, dec2, dec1, logits]."""
    check_num_classes(num_classes)
    check_choice(output_activation, OUTPUT_ACTIVATIONS, argument="output_activation")
    check_output_stride(output_stride)
    image = image_input(input_shape, multiple=8 * output_stride)
    maps = _body(image, 4, num_classes, alpha, activation, upsample, output_stride, dropout, bn_momentum)
    return finish(
        image,
        maps.logits,
        maps.all(),
        output_activation=output_activation,
        return_features=return_features,
        name="unet4",
    )


def unet5_features(
    input_shape: tuple[int, int, int] = (128, 128, 3),
    *,
    alpha: int = 1,
    activation: Activation = "relu",
    dropout: tuple[float, ...] = (0.0, 0.0, 0.1, 0.2, 0.25),
    bn_momentum: float = 0.9,
) -> keras.Model:
    """The encoder: (batch, height, width, channels) → [enc1, …, enc5], strides 1, 2, 4, 8, 16."""
    image = image_input(input_shape, multiple=16)
    encoder = _encoder(image, 5, alpha, activation, dropout, bn_momentum)
    return feature_model(image, encoder, name="unet5_features")


def unet4_features(
    input_shape: tuple[int, int, int] = (128, 128, 3),
    *,
    alpha: int = 1,
    activation: Activation = "relu",
    dropout: tuple[float, ...] = (0.0, 0.0, 0.1, 0.2),
    bn_momentum: float = 0.9,
) -> keras.Model:
    """The encoder: (batch, height, width, channels) → [enc1, …, enc4], strides 1, 2, 4, 8."""
    image = image_input(input_shape, multiple=8)
    encoder = _encoder(image, 4, alpha, activation, dropout, bn_momentum)
    return feature_model(image, encoder, name="unet4_features")


def _body(
    image: Any,
    levels: int,
    num_classes: int,
    alpha: int,
    activation: Activation,
    upsample: Upsample,
    output_stride: int,
    dropout: tuple[float, ...],
    bn_momentum: float,
) -> Maps:
    check_choice(upsample, UPSAMPLES, argument="upsample")
    x = image if output_stride == 1 else SpaceToDepth(output_stride, name="space_to_depth")(image)
    encoder = _encoder(x, levels, alpha, activation, dropout, bn_momentum)
    decoder = []
    x = encoder[-1]
    for level in range(levels - 1, 0, -1):
        channels = CHANNELS[level - 1] // alpha
        name = f"dec{level}"
        up = upsample_conv(x, channels, mode=upsample, kernel=2, activation=activation, name=f"{name}_up")
        x = keras.layers.Concatenate(name=f"{name}_concat")([encoder[level - 1], up])
        x = _block(x, channels, activation, dropout[level - 1], bn_momentum, name)
        decoder.append(x)
    logits = keras.layers.Conv2D(num_classes, 1, use_bias=False, kernel_initializer=HE_NORMAL, name="logits")(
        x
    )
    return Maps(encoder=encoder, decoder=decoder, logits=logits)


def _encoder(
    x: Any,
    levels: int,
    alpha: int,
    activation: Activation,
    dropout: tuple[float, ...],
    bn_momentum: float,
) -> list[Any]:
    check_count(
        alpha, argument="alpha", hint="alpha divides the channels: 1 is the full network, 8 an eighth."
    )
    if alpha > CHANNELS[0]:
        raise BadInput(
            f"alpha={alpha} leaves no channel of {CHANNELS[0]}: {CHANNELS[0]} // {alpha} is 0.",
            hint=f"Take an alpha of at most {CHANNELS[0]}.",
        )
    check_choice(activation, ACTIVATIONS, argument="activation")
    check_fraction(bn_momentum, argument="bn_momentum")
    check_fractions(dropout, count=levels, argument="dropout")
    encoder = []
    for level in range(1, levels + 1):
        name = f"enc{level}"
        if level > 1:
            x = keras.layers.MaxPooling2D(2, name=f"{name}_pool")(x)
        x = _block(x, CHANNELS[level - 1] // alpha, activation, dropout[level - 1], bn_momentum, name)
        encoder.append(x)
    return encoder


def _block(
    x: Any, channels: int, activation: Activation, dropout: float, bn_momentum: float, name: str
) -> Any:
    """3×3 → activation → 3×3 → BatchNorm → activation → dropout; both convolutions with bias."""
    x = conv(x, channels, kernel=3, use_bias=True, initializer=HE_NORMAL, name=f"{name}_a")
    x = activate(x, activation, name=f"{name}_a")
    x = conv_bn(
        x,
        channels,
        kernel=3,
        use_bias=True,
        activation=activation,
        bn_momentum=bn_momentum,
        initializer=HE_NORMAL,
        name=f"{name}_b",
    )
    return keras.layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x
