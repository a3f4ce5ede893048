"""MobileNets: Efficient Convolutional Neural Networks for Mobile Vision (Howard et al., arXiv:1704.04861, table 1).

Numerically equal to keras.applications.MobileNet on logits when its weights are copied.
"""

from __future__ import annotations

from typing import Any

from keras_tiny.blocks.activation import ACTIVATIONS, Activation
from keras_tiny.blocks.conv import conv, conv_bn, depthwise_bn
from keras_tiny.blocks.rounding import ROUNDINGS, Rounding, scale_channels
from keras_tiny.keras_api import keras
from keras_tiny.models.checks import (
    check_choice,
    check_fraction,
    check_num_classes,
    check_width,
    image_input,
)
from keras_tiny.models.outputs import OUTPUT_ACTIVATIONS, OutputActivation, feature_model, finish

MIN_SIDE = 32  # the last blocks have stride 32
STEM_CHANNELS = 32
# Channels and stride of the thirteen depthwise separable blocks.
BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
)
TAPS = (1, 3, 5, 11, 13)  # the last block of strides 2, 4, 8, 16 and 32; the first block is number 1


def mobilenet_v1(
    input_shape: tuple[int, int, int] = (96, 96, 3),
    *,
    num_classes: int,
    width: float = 1.0,
    rounding: Rounding = "divisible",
    activation: Activation = "relu6",
    output_activation: OutputActivation = "logits",
    dropout: float = 0.001,
    bn_momentum: float = 0.99,
    return_features: bool = False,
) -> keras.Model:
    """The classifier: (batch, height, width, channels) → (batch, num_classes).

    Args:
        input_shape: (height, width, channels), sides of 32 pixels or more. The paper's resolution multiplier rho is
            this: 224, 192, 160 and 128 are rho 1, 6/7, 5/7 and 4/7. It changes MACs, not parameters.
        width: the paper's alpha; multiplies every number of channels.
        rounding: "divisible" to multiples of 8; "floor" is the paper's `int(channels * alpha)`. They agree at 0.25,
            0.5, 0.75 and 1.0.
        activation: the hidden one; ReLU6 bounds what int8 has to hold.
        output_activation: "logits", or "auto" for sigmoid (one class) or softmax (more).
        dropout: rate before the last layer.
        bn_momentum: share of the old statistics that BatchNorm keeps per step.
        return_features: also return the last tensor of strides 2, 4, 8, 16 and 32, as [y, [features...]].

    Raises:
        BadInput: an argument that cannot be used, with what to try.
    """
    check_num_classes(num_classes)
    check_choice(output_activation, OUTPUT_ACTIVATIONS, argument="output_activation")
    check_fraction(dropout, argument="dropout")
    image = image_input(input_shape, minimum=MIN_SIDE)
    features = _body(image, width=width, rounding=rounding, activation=activation, bn_momentum=bn_momentum)
    x = keras.layers.GlobalAveragePooling2D(keepdims=True, name="pool")(features[-1])
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    x = conv(x, num_classes, kernel=1, use_bias=True, name="logits")
    logits = keras.layers.Reshape((num_classes,), name="logits")(x)
    return finish(
        image,
        logits,
        features,
        output_activation=output_activation,
        return_features=return_features,
        name="mobilenet_v1",
    )


def mobilenet_v1_features(
    input_shape: tuple[int, int, int] = (96, 96, 3),
    *,
    width: float = 1.0,
    rounding: Rounding = "divisible",
    activation: Activation = "relu6",
    bn_momentum: float = 0.99,
) -> keras.Model:
    """The backbone: (batch, height, width, channels) → [strides 2, 4, 8, 16, 32]; arguments as in `mobilenet_v1`."""
    image = image_input(input_shape, minimum=MIN_SIDE)
    features = _body(image, width=width, rounding=rounding, activation=activation, bn_momentum=bn_momentum)
    return feature_model(image, features, name="mobilenet_v1_features")


def _body(
    image: Any, *, width: float, rounding: Rounding, activation: Activation, bn_momentum: float
) -> list[Any]:
    """The feature maps that `TAPS` names."""
    check_width(width)
    check_choice(rounding, ROUNDINGS, argument="rounding")
    check_choice(activation, ACTIVATIONS, argument="activation")
    check_fraction(bn_momentum, argument="bn_momentum")
    x = conv_bn(
        image,
        scale_channels(STEM_CHANNELS, width=width, rounding=rounding),
        kernel=3,
        stride=2,
        activation=activation,
        bn_momentum=bn_momentum,
        name="stem",
    )
    features = []
    for number, (channels, stride) in enumerate(BLOCKS, start=1):
        name = f"block_{number}"
        x = depthwise_bn(
            x, kernel=3, stride=stride, activation=activation, bn_momentum=bn_momentum, name=name
        )
        x = conv_bn(
            x,
            scale_channels(channels, width=width, rounding=rounding),
            kernel=1,
            activation=activation,
            bn_momentum=bn_momentum,
            name=f"{name}_point",
        )
        if number in TAPS:
            features.append(x)
    return features
