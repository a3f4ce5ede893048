"""MobileUNet: a MobileNetV2 encoder with five deconvolutions, as TinyMachines v0.1.2 defines it.

Unlike MobileNetV2's, its blocks expand even by 1, project without BatchNorm, and reach over a change of channels with
a 1×1 of their own.
"""

from __future__ import annotations

from typing import Any, Literal

from keras_tiny.blocks.activation import ACTIVATIONS, Activation, activate
from keras_tiny.blocks.conv import batch_norm, conv, conv_bn, depthwise
from keras_tiny.blocks.initializers import HE_NORMAL, depthwise_normal
from keras_tiny.blocks.rounding import ROUNDINGS, Rounding, scale_channels
from keras_tiny.blocks.upsample import UPSAMPLES, Upsample, resize, upsample_conv
from keras_tiny.keras_api import keras
from keras_tiny.models.checks import (
    check_choice,
    check_count,
    check_fraction,
    check_fractions,
    check_num_classes,
    check_output_stride,
    check_width,
    image_input,
)
from keras_tiny.models.outputs import OUTPUT_ACTIVATIONS, OutputActivation, feature_model, finish

MULTIPLE = 32
STEM_CHANNELS = 32
LAST_CHANNELS = 1280
# Of each encoder level: channels, stride of the first block, expansion, number of blocks.
LEVELS = (
    ((16, 1, 1, 1),),
    ((24, 2, 6, 2),),
    ((32, 2, 6, 3),),
    ((64, 2, 6, 4), (96, 1, 6, 3)),
    ((160, 2, 6, 3), (320, 1, 6, 1)),
)


def mobile_unet(
    input_shape: tuple[int, int, int] = (128, 128, 3),
    *,
    num_classes: int = 1,
    width: float = 1.0,
    rounding: Rounding = "divisible",
    last_conv: int | None = LAST_CHANNELS,
    project_bn: bool = False,
    activation: Activation = "relu6",
    upsample: Upsample = "transpose",
    output_stride: Literal[1, 2] = 1,
    output_activation: OutputActivation = "logits",
    dropout: tuple[float, ...] = (0.05, 0.05, 0.05, 0.1, 0.2),
    bn_momentum: float = 0.9,
    return_features: bool = False,
) -> keras.Model:
    """The segmenter: (batch, height, width, channels) → (batch, height, width, num_classes), see `output_stride`.

    Args:
        input_shape: (height, width, channels), sides multiples of 32.
        num_classes: channels of the output; 1 is foreground or not.
        width: multiplies every number of channels but `last_conv`; TinyMachines has none (1.0).
        rounding: "divisible" to multiples of 8, or "floor".
        last_conv: channels of the 1×1 between encoder and decoder, or None to leave it out. With TinyMachines' 1280
            nearly half of all parameters sit in the transposed convolution behind it.
        project_bn: BatchNorm after each projection, which bounds what the sums have to hold in int8.
        activation: the hidden one.
        upsample: "transpose" is TinyMachines' 4×4 transposed convolution; "nearest" and "bilinear" resize.
        output_stride: 2 leaves the last upsampling to the host: masks of half the sides, a quarter of the memory.
        output_activation: "logits", or "auto" for sigmoid (one channel) or softmax (more).
        dropout: rate after each of the encoder's five levels.
        bn_momentum: share of the old statistics that BatchNorm keeps per step.
        return_features: also return [x1, …, x5, l1, …, l9], as [y, [features...]]; l9 are the logits.

    Raises:
        BadInput: an argument that cannot be used, with what to try.
    """
    check_num_classes(num_classes)
    check_choice(output_activation, OUTPUT_ACTIVATIONS, argument="output_activation")
    check_choice(upsample, UPSAMPLES, argument="upsample")
    check_output_stride(output_stride)
    image = image_input(input_shape, multiple=MULTIPLE)
    encoder = _encoder(image, width, rounding, last_conv, project_bn, activation, dropout, bn_momentum)
    features = list(encoder)
    x = encoder[-1]
    for number, skip in enumerate(reversed(encoder[:-1]), start=1):
        x = upsample_conv(
            x,
            skip.shape[-1],
            mode=upsample,
            kernel=4,
            bn_momentum=bn_momentum,
            activation=activation,
            name=f"up{number}",
        )
        features.append(x)
        x = keras.layers.Concatenate(name=f"up{number}_concat")([x, skip])
        x = _bottleneck(
            x, skip.shape[-1], 1, 1, project_bn, activation, bn_momentum, name=f"up{number}_block"
        )
        features.append(x)
    if output_stride == 1 and upsample == "transpose":
        logits = upsample_conv(x, num_classes, mode=upsample, kernel=4, name="logits")
    else:
        logits = conv(x, num_classes, kernel=1, use_bias=True, initializer=HE_NORMAL, name="logits")
        if output_stride == 1 and upsample != "transpose":
            logits = resize(logits, mode=upsample, name="logits")
    return finish(
        image,
        logits,
        [*features, logits],
        output_activation=output_activation,
        return_features=return_features,
        name="mobile_unet",
    )


def mobile_unet_features(
    input_shape: tuple[int, int, int] = (128, 128, 3),
    *,
    width: float = 1.0,
    rounding: Rounding = "divisible",
    last_conv: int | None = LAST_CHANNELS,
    project_bn: bool = False,
    activation: Activation = "relu6",
    dropout: tuple[float, ...] = (0.05, 0.05, 0.05, 0.1, 0.2),
    bn_momentum: float = 0.9,
) -> keras.Model:
    """The encoder: (batch, height, width, channels) → [x1, …, x5], strides 2, 4, 8, 16, 32."""
    image = image_input(input_shape, multiple=MULTIPLE)
    encoder = _encoder(image, width, rounding, last_conv, project_bn, activation, dropout, bn_momentum)
    return feature_model(image, encoder, name="mobile_unet_features")


def _encoder(
    image: Any,
    width: float,
    rounding: Rounding,
    last_conv: int | None,
    project_bn: bool,
    activation: Activation,
    dropout: tuple[float, ...],
    bn_momentum: float,
) -> list[Any]:
    """x1 to x5."""
    check_width(width)
    check_choice(rounding, ROUNDINGS, argument="rounding")
    if last_conv is not None:
        check_count(last_conv, argument="last_conv", hint="None leaves the convolution out.")
    check_choice(activation, ACTIVATIONS, argument="activation")
    check_fractions(dropout, count=len(LEVELS), argument="dropout")
    check_fraction(bn_momentum, argument="bn_momentum")

    def scaled(channels: int) -> int:
        return scale_channels(channels, width=width, rounding=rounding)

    x = conv_bn(
        image,
        scaled(STEM_CHANNELS),
        kernel=3,
        stride=2,
        use_bias=True,
        activation=activation,
        bn_momentum=bn_momentum,
        initializer=HE_NORMAL,
        name="stem",
    )
    features = []
    index = 0
    for level, groups in enumerate(LEVELS):
        for channels, stride, expansion, blocks in groups:
            for block in range(blocks):
                x = _bottleneck(
                    x,
                    scaled(channels),
                    stride if block == 0 else 1,
                    expansion,
                    project_bn,
                    activation,
                    bn_momentum,
                    name=f"block_{index}",
                )
                index += 1
        if level == len(LEVELS) - 1 and last_conv is not None:
            x = conv_bn(
                x,
                last_conv,
                kernel=1,
                activation=activation,
                bn_momentum=bn_momentum,
                initializer=HE_NORMAL,
                name="last",
            )
        if dropout[level]:
            x = keras.layers.Dropout(dropout[level], name=f"x{level + 1}_dropout")(x)
        features.append(x)
    return features


def _bottleneck(
    x: Any,
    channels: int,
    stride: int,
    expansion: int,
    project_bn: bool,
    activation: Activation,
    bn_momentum: float,
    *,
    name: str,
) -> Any:
    """1×1 expansion → depthwise 3×3 with bias → 1×1 projection; at stride 1 plus the input, projected if it must be."""
    channels_in = x.shape[-1]
    y = conv_bn(
        x,
        expansion * channels_in,
        kernel=1,
        activation=activation,
        bn_momentum=bn_momentum,
        initializer=HE_NORMAL,
        name=f"{name}_expand",
    )
    y = depthwise(y, kernel=3, stride=stride, use_bias=True, initializer=depthwise_normal(3), name=name)
    y = batch_norm(y, momentum=bn_momentum, name=f"{name}_depthwise")
    y = activate(y, activation, name=f"{name}_depthwise")
    y = conv(y, channels, kernel=1, initializer=HE_NORMAL, name=f"{name}_project")
    if project_bn:
        y = batch_norm(y, momentum=bn_momentum, name=f"{name}_project")
    if stride != 1:
        return y
    if channels != channels_in:
        x = conv(x, channels, kernel=1, initializer=HE_NORMAL, name=f"{name}_shortcut")
        if project_bn:
            x = batch_norm(x, momentum=bn_momentum, name=f"{name}_shortcut")
    return keras.layers.Add(name=f"{name}_add")([y, x])
