"""SqueezeNet 1.1 (Iandola et al., arXiv:1602.07360; version 1.1 of the authors' code, as in torchvision)."""

from __future__ import annotations

from typing import Any

from keras_tiny.blocks.activation import ACTIVATIONS, Activation, activate
from keras_tiny.blocks.fire import conv_act, fire
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

MIN_SIDE = 31  # one stem and three pools without padding: 31 → 15 → 7 → 3 → 1
STEM_CHANNELS = 64
# Squeeze and expand channels of the fire modules, in groups; a max-pool goes before each group.
FIRE_GROUPS = (
    ((16, 64), (16, 64)),
    ((32, 128), (32, 128)),
    ((48, 192), (48, 192), (64, 256), (64, 256)),
)


def squeezenet(
    input_shape: tuple[int, int, int] = (96, 96, 3),
    *,
    num_classes: int,
    width: float = 1.0,
    rounding: Rounding = "divisible",
    batch_norm: bool = False,
    activation: Activation = "relu",
    head_activation: bool = False,
    output_activation: OutputActivation = "logits",
    dropout: float = 0.5,
    bn_momentum: float = 0.9,
    return_features: bool = False,
) -> keras.Model:
    """The classifier: (batch, height, width, channels) → (batch, num_classes).

    Args:
        input_shape: (height, width, channels), sides of 31 pixels or more.
        width: multiplies every number of channels; not in the paper.
        rounding: "divisible" to multiples of 8, or "floor".
        batch_norm: BatchNorm after each convolution but the last, in place of its bias; it folds away at export. The
            paper has none.
        activation: the hidden one.
        head_activation: the paper's ReLU after the last convolution. Off, because it stops the gradient of every
            class whose score is negative, which with few classes can be all of them.
        output_activation: "logits", or "auto" for sigmoid (one class) or softmax (more).
        dropout: rate before the last convolution.
        bn_momentum: share of the old statistics that BatchNorm keeps per step, if there is one.
        return_features: also return the last tensor of strides 2, 4, 8 and 16, as [y, [features...]].

    Raises:
        BadInput: an argument that cannot be used, with what to try.
    """
    check_num_classes(num_classes)
    check_choice(output_activation, OUTPUT_ACTIVATIONS, argument="output_activation")
    check_fraction(dropout, argument="dropout")
    image = image_input(input_shape, minimum=MIN_SIDE)
    features = _body(
        image,
        width=width,
        rounding=rounding,
        batch_norm=batch_norm,
        activation=activation,
        bn_momentum=bn_momentum,
    )
    x = features[-1]
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    x = keras.layers.Conv2D(
        num_classes, 1, kernel_initializer=keras.initializers.RandomNormal(stddev=0.01), name="logits_conv"
    )(x)
    if head_activation:
        x = activate(x, "relu", name="logits")
    logits = keras.layers.GlobalAveragePooling2D(name="logits")(x)
    return finish(
        image,
        logits,
        features,
        output_activation=output_activation,
        return_features=return_features,
        name="squeezenet",
    )


def squeezenet_features(
    input_shape: tuple[int, int, int] = (96, 96, 3),
    *,
    width: float = 1.0,
    rounding: Rounding = "divisible",
    batch_norm: bool = False,
    activation: Activation = "relu",
    bn_momentum: float = 0.9,
) -> keras.Model:
    """The backbone: (batch, height, width, channels) → [strides 2, 4, 8, 16]; arguments as in `squeezenet`.

    A detector takes the last two: 256 and 512 channels at width 1.
    """
    image = image_input(input_shape, minimum=MIN_SIDE)
    features = _body(
        image,
        width=width,
        rounding=rounding,
        batch_norm=batch_norm,
        activation=activation,
        bn_momentum=bn_momentum,
    )
    return feature_model(image, features, name="squeezenet_features")


def _body(
    image: Any,
    *,
    width: float,
    rounding: Rounding,
    batch_norm: bool,
    activation: Activation,
    bn_momentum: float,
) -> list[Any]:
    """The stem, and the last fire module of each group."""
    check_width(width)
    check_choice(rounding, ROUNDINGS, argument="rounding")
    check_choice(activation, ACTIVATIONS, argument="activation")
    check_fraction(bn_momentum, argument="bn_momentum")
    momentum = bn_momentum if batch_norm else None
    x = conv_act(
        image,
        scale_channels(STEM_CHANNELS, width=width, rounding=rounding),
        kernel=3,
        stride=2,
        padding="valid",
        batch_norm_momentum=momentum,
        activation=activation,
        name="stem",
    )
    features = [x]
    number = 2  # the paper counts the stem as the first layer: its fire modules are fire2 to fire9
    for group, modules in enumerate(FIRE_GROUPS, start=1):
        x = keras.layers.MaxPooling2D(3, strides=2, padding="valid", name=f"pool_{group}")(x)
        for squeeze, expand in modules:
            x = fire(
                x,
                squeeze_to=scale_channels(squeeze, width=width, rounding=rounding),
                expand_to=scale_channels(expand, width=width, rounding=rounding),
                batch_norm_momentum=momentum,
                activation=activation,
                name=f"fire_{number}",
            )
            number += 1
        features.append(x)
    return features
