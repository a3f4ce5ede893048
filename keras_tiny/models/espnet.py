"""ESPNet (Mehta et al., arXiv:1803.06815), as TinyMachines v0.1.2 defines it.

Unlike the paper's: four branches instead of five, ReLU instead of PReLU, a plain strided convolution for each halving,
no BatchNorm on the concatenations, and a decoder that works below five classes.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from keras_tiny.blocks.activation import ACTIVATIONS, Activation
from keras_tiny.blocks.conv import conv, conv_bn
from keras_tiny.blocks.esp import FUSIONS, Fusion, esp, point_then_conv
from keras_tiny.blocks.initializers import HE_NORMAL
from keras_tiny.blocks.upsample import UPSAMPLES, Upsample, resize, upsample_conv
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

MULTIPLE = 8
OUTPUT_STRIDES = (1, 2, 8)
STEM_CHANNELS = 16
LEVEL_2_CHANNELS = 64
LEVEL_3_CHANNELS = 128


class Encoder(NamedTuple):
    """The encoder's tensors, in the order in which they are computed."""

    ds1: Any
    out1: Any
    ct1: Any
    ds2: Any
    out2a: Any
    out2b: Any
    ct2: Any
    out3a: Any
    out3b: Any
    ct3: Any


def espnet(
    input_shape: tuple[int, int, int] = (128, 128, 3),
    *,
    num_classes: int = 1,
    alpha2: int = 2,
    alpha3: int = 3,
    decoder_channels: int | None = None,
    fusion: Fusion = "seed",
    activation: Activation = "relu",
    upsample: Upsample = "transpose",
    output_stride: Literal[1, 2, 8] = 1,
    output_activation: OutputActivation = "logits",
    dropout: tuple[float, ...] = (0.1, 0.3),
    bn_momentum: float = 0.9,
    return_features: bool = False,
) -> keras.Model:
    """The segmenter: (batch, height, width, channels) → (batch, height, width, num_classes), see `output_stride`.

    Args:
        input_shape: (height, width, channels), sides multiples of 8.
        num_classes: channels of the output; 1 is foreground or not.
        alpha2: pyramids at a quarter of the resolution.
        alpha3: pyramids at an eighth of the resolution.
        decoder_channels: width of the decoder, before a last 1×1 to `num_classes`. None makes it `num_classes` wide
            without that 1×1, as TinyMachines has it: with one class, a decoder of one channel. 8 to 16 serve well.
        fusion: "seed" is TinyMachines' pyramid, "paper" the paper's order of sums, BatchNorm and activation.
        activation: the hidden one.
        upsample: "transpose" is TinyMachines' 2×2 transposed convolution; "nearest" and "bilinear" resize.
        output_stride: 2 leaves the last enlargement to the host. 8 is ESPNet-C, the encoder with a classifier and no
            decoder, which the authors train first: its weights then start the whole network (`--warm-start`).
        output_activation: "logits", or "auto" for sigmoid (one channel) or softmax (more).
        dropout: rates after the pyramids of levels 2 and 3.
        bn_momentum: share of the old statistics that BatchNorm keeps per step.
        return_features: also return [ds1, out1, ct1, ds2, out2a, out2b, ct2, out3a, out3b, ct3, b1, b2, b3, d3, ct4,
            d2, ct5, d1], as [y, [features...]]; d1 are the logits. ESPNet-C's end in b3 and, where a decoder would
            have another width, the logits.

    Raises:
        BadInput: an argument that cannot be used, with what to try.
    """
    check_num_classes(num_classes)
    check_choice(output_activation, OUTPUT_ACTIVATIONS, argument="output_activation")
    check_choice(upsample, UPSAMPLES, argument="upsample")
    check_output_stride(output_stride, OUTPUT_STRIDES)
    if decoder_channels is not None:
        check_count(decoder_channels, argument="decoder_channels", hint="None makes it num_classes wide.")
    image = image_input(input_shape, multiple=MULTIPLE)
    encoder = _encoder(image, alpha2, alpha3, fusion, activation, dropout, bn_momentum)
    wide = num_classes if decoder_channels is None else decoder_channels

    def bridge(x: Any, number: int) -> Any:
        return conv(x, wide, kernel=1, initializer=HE_NORMAL, name=f"bridge{number}")

    def up(x: Any, name: str) -> Any:
        return upsample_conv(
            x, wide, mode=upsample, kernel=2, bn_momentum=bn_momentum, activation=activation, name=name
        )

    def finished(features: list[Any]) -> keras.Model:
        return finish(
            image,
            features[-1],
            features,
            output_activation=output_activation,
            return_features=return_features,
            name="espnet",
        )

    if output_stride == 8:
        features = [*encoder, bridge(encoder.ct3, 3)]
        if decoder_channels is not None:
            features.append(_logits(features[-1], num_classes))
        return finished(features)
    b1, b2, b3 = bridge(encoder.ct1, 1), bridge(encoder.ct2, 2), bridge(encoder.ct3, 3)
    d3 = up(b3, "d3")
    ct4 = keras.layers.Concatenate(name="ct4")([b2, d3])
    d2 = point_then_conv(ct4, wide, stride=1, activation=activation, bn_momentum=bn_momentum, name="d2")
    d2 = up(d2, "d2_up")
    ct5 = keras.layers.Concatenate(name="ct5")([b1, d2])
    d1 = (
        _last(ct5, num_classes, decoder_channels, upsample)
        if output_stride == 1
        else _logits(ct5, num_classes)
    )
    return finished([*encoder, b1, b2, b3, d3, ct4, d2, ct5, d1])


def espnet_features(
    input_shape: tuple[int, int, int] = (128, 128, 3),
    *,
    alpha2: int = 2,
    alpha3: int = 3,
    fusion: Fusion = "seed",
    activation: Activation = "relu",
    dropout: tuple[float, ...] = (0.1, 0.3),
    bn_momentum: float = 0.9,
) -> keras.Model:
    """The encoder (ESPNet-C without its classifier): (batch, height, width, channels) → [ct1, ct2, ct3].

    Strides 2, 4, 8; 16 + c, 128 + c and 256 channels, where c are the input's.
    """
    image = image_input(input_shape, multiple=MULTIPLE)
    encoder = _encoder(image, alpha2, alpha3, fusion, activation, dropout, bn_momentum)
    return feature_model(image, [encoder.ct1, encoder.ct2, encoder.ct3], name="espnet_features")


def _encoder(
    image: Any,
    alpha2: int,
    alpha3: int,
    fusion: Fusion,
    activation: Activation,
    dropout: tuple[float, ...],
    bn_momentum: float,
) -> Encoder:
    check_count(alpha2, argument="alpha2", hint="The paper has 2.")
    check_count(alpha3, argument="alpha3", hint="The paper has 3, 5 or 8.")
    check_choice(fusion, FUSIONS, argument="fusion")
    check_choice(activation, ACTIVATIONS, argument="activation")
    check_fractions(dropout, count=2, argument="dropout")
    check_fraction(bn_momentum, argument="bn_momentum")

    def halved(x: Any, name: str) -> Any:
        return keras.layers.AveragePooling2D(3, strides=2, padding="same", name=name)(x)

    def pyramids(x: Any, count: int, rate: float, level: int) -> Any:
        for number in range(1, count + 1):
            x = esp(
                x,
                fusion=fusion,
                activation=activation,
                bn_momentum=bn_momentum,
                name=f"level{level}_esp{number}",
            )
        return keras.layers.Dropout(rate, name=f"level{level}_dropout")(x) if rate else x

    ds1 = halved(image, "ds1")
    out1 = conv_bn(
        image,
        STEM_CHANNELS,
        kernel=3,
        stride=2,
        use_bias=True,
        activation=activation,
        bn_momentum=bn_momentum,
        initializer=HE_NORMAL,
        name="stem",
    )
    ct1 = keras.layers.Concatenate(name="ct1")([ds1, out1])
    ds2 = halved(ds1, "ds2")
    out2a = point_then_conv(
        ct1, LEVEL_2_CHANNELS, stride=2, activation=activation, bn_momentum=bn_momentum, name="level2"
    )
    out2b = pyramids(out2a, alpha2, dropout[0], 2)
    ct2 = keras.layers.Concatenate(name="ct2")([ds2, out2a, out2b])
    out3a = point_then_conv(
        ct2, LEVEL_3_CHANNELS, stride=2, activation=activation, bn_momentum=bn_momentum, name="level3"
    )
    out3b = pyramids(out3a, alpha3, dropout[1], 3)
    ct3 = keras.layers.Concatenate(name="ct3")([out3a, out3b])
    return Encoder(ds1, out1, ct1, ds2, out2a, out2b, ct2, out3a, out3b, ct3)


def _last(ct5: Any, num_classes: int, decoder_channels: int | None, upsample: Upsample) -> Any:
    """d1: 1×1, twice the size, and the last 1×1 of a widened decoder."""
    if upsample != "transpose":
        # Resizing commutes with a 1×1, so the two are one convolution at half the resolution.
        return resize(_logits(ct5, num_classes), mode=upsample, name="logits")
    wide = num_classes if decoder_channels is None else decoder_channels
    x = conv(ct5, wide, kernel=1, initializer=HE_NORMAL, name="d1")
    x = upsample_conv(x, wide, mode=upsample, kernel=2, name="d1")
    return x if decoder_channels is None else _logits(x, num_classes)


def _logits(x: Any, num_classes: int) -> Any:
    return conv(x, num_classes, kernel=1, use_bias=True, initializer=HE_NORMAL, name="logits")
