"""Searching for MobileNetV3 (Howard et al., arXiv:1905.02244, tables 1 and 2).

Numerically equal to keras.applications.MobileNetV3Small and Large on logits when their weights are copied
(`width_rule="keras"` below width 1; at width 1 the rules agree).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from keras_tiny.blocks.activation import ACTIVATIONS, Activation, activate
from keras_tiny.blocks.conv import conv, conv_bn
from keras_tiny.blocks.inverted_residual import inverted_residual
from keras_tiny.blocks.rounding import make_divisible
from keras_tiny.keras_api import keras
from keras_tiny.models.checks import (
    check_choice,
    check_fraction,
    check_num_classes,
    check_width,
    image_input,
)
from keras_tiny.models.outputs import OUTPUT_ACTIVATIONS, OutputActivation, feature_model, finish

MIN_SIDE = 32  # the last stage has stride 32
STEM_CHANNELS = 16

WidthRule = Literal["torchvision", "keras"]
WIDTH_RULES: tuple[WidthRule, ...] = ("torchvision", "keras")


class Row(NamedTuple):
    """One row of tables 1 and 2: kernel, channels of the expansion and of the output, SE, NL, stride."""

    kernel: int
    expand: int
    channels: int
    squeeze: bool
    hard_swish: bool  # ReLU otherwise
    stride: int


class Variant(NamedTuple):
    """A network: its rows, the width of its head, and the rows (from 1) that end a stride level."""

    rows: tuple[Row, ...]
    head_channels: int
    taps: tuple[int, ...]


SMALL = Variant(
    rows=(
        Row(3, 16, 16, True, False, 2),
        Row(3, 72, 24, False, False, 2),
        Row(3, 88, 24, False, False, 1),
        Row(5, 96, 40, True, True, 2),
        Row(5, 240, 40, True, True, 1),
        Row(5, 240, 40, True, True, 1),
        Row(5, 120, 48, True, True, 1),
        Row(5, 144, 48, True, True, 1),
        Row(5, 288, 96, True, True, 2),
        Row(5, 576, 96, True, True, 1),
        Row(5, 576, 96, True, True, 1),
    ),
    head_channels=1024,
    taps=(1, 3, 8, 11),
)
LARGE = Variant(
    rows=(
        Row(3, 16, 16, False, False, 1),
        Row(3, 64, 24, False, False, 2),
        Row(3, 72, 24, False, False, 1),
        Row(5, 72, 40, True, False, 2),
        Row(5, 120, 40, True, False, 1),
        Row(5, 120, 40, True, False, 1),
        Row(3, 240, 80, False, True, 2),
        Row(3, 200, 80, False, True, 1),
        Row(3, 184, 80, False, True, 1),
        Row(3, 184, 80, False, True, 1),
        Row(3, 480, 112, True, True, 1),
        Row(3, 672, 112, True, True, 1),
        Row(5, 672, 160, True, True, 2),
        Row(5, 960, 160, True, True, 1),
        Row(5, 960, 160, True, True, 1),
    ),
    head_channels=1280,
    taps=(1, 3, 6, 12, 15),
)


def mobilenet_v3_small(
    input_shape: tuple[int, int, int] = (96, 96, 3),
    *,
    num_classes: int,
    width: float = 1.0,
    width_rule: WidthRule = "torchvision",
    minimalistic: bool = False,
    activation: Activation | None = None,
    output_activation: OutputActivation = "logits",
    dropout: float = 0.2,
    bn_momentum: float = 0.999,
    return_features: bool = False,
) -> keras.Model:
    """The small classifier: (batch, height, width, channels) → (batch, num_classes).

    Args:
        input_shape: (height, width, channels), sides of 32 pixels or more.
        width: the paper's alpha; multiplies numbers of channels, see `width_rule`.
        width_rule: "torchvision" multiplies stem, expansions, outputs and head. "keras" keeps the stem, expands by the
            ratio of the actual input, and never narrows the head.
        minimalistic: 3×3 kernels only, ReLU, no squeeze-and-excite: the version that is easiest for int8.
        activation: what stands where the paper has hard-swish; by default hard-swish, or ReLU if minimalistic.
        output_activation: "logits", or "auto" for sigmoid (one class) or softmax (more).
        dropout: rate before the last layer.
        bn_momentum: share of the old statistics that BatchNorm keeps per step; 0.9 suits a few hundred steps.
        return_features: also return blocks 1, 3, 8, 11 and the tail, as [y, [features...]].

    Raises:
        BadInput: an argument that cannot be used, with what to try.
    """
    return _classifier(
        SMALL,
        input_shape,
        num_classes=num_classes,
        width=width,
        width_rule=width_rule,
        minimalistic=minimalistic,
        activation=activation,
        output_activation=output_activation,
        dropout=dropout,
        bn_momentum=bn_momentum,
        return_features=return_features,
        name="mobilenet_v3_small",
    )


def mobilenet_v3_large(
    input_shape: tuple[int, int, int] = (96, 96, 3),
    *,
    num_classes: int,
    width: float = 1.0,
    width_rule: WidthRule = "torchvision",
    minimalistic: bool = False,
    activation: Activation | None = None,
    output_activation: OutputActivation = "logits",
    dropout: float = 0.2,
    bn_momentum: float = 0.999,
    return_features: bool = False,
) -> keras.Model:
    """The large classifier; arguments as in `mobilenet_v3_small`, features are blocks 1, 3, 6, 12, 15 and the tail."""
    return _classifier(
        LARGE,
        input_shape,
        num_classes=num_classes,
        width=width,
        width_rule=width_rule,
        minimalistic=minimalistic,
        activation=activation,
        output_activation=output_activation,
        dropout=dropout,
        bn_momentum=bn_momentum,
        return_features=return_features,
        name="mobilenet_v3_large",
    )


def mobilenet_v3_small_features(
    input_shape: tuple[int, int, int] = (96, 96, 3),
    *,
    width: float = 1.0,
    width_rule: WidthRule = "torchvision",
    minimalistic: bool = False,
    activation: Activation | None = None,
    bn_momentum: float = 0.999,
) -> keras.Model:
    """The small backbone: (batch, height, width, channels) → [blocks 1, 3, 8, 11, tail]."""
    image = image_input(input_shape, minimum=MIN_SIDE)
    features = _body(SMALL, image, width, width_rule, minimalistic, activation, bn_momentum)
    return feature_model(image, features, name="mobilenet_v3_small_features")


def mobilenet_v3_large_features(
    input_shape: tuple[int, int, int] = (96, 96, 3),
    *,
    width: float = 1.0,
    width_rule: WidthRule = "torchvision",
    minimalistic: bool = False,
    activation: Activation | None = None,
    bn_momentum: float = 0.999,
) -> keras.Model:
    """The large backbone: (batch, height, width, channels) → [blocks 1, 3, 6, 12, 15, tail]."""
    image = image_input(input_shape, minimum=MIN_SIDE)
    features = _body(LARGE, image, width, width_rule, minimalistic, activation, bn_momentum)
    return feature_model(image, features, name="mobilenet_v3_large_features")


def _classifier(
    variant: Variant,
    input_shape: Sequence[int],
    *,
    num_classes: int,
    width: float,
    width_rule: WidthRule,
    minimalistic: bool,
    activation: Activation | None,
    output_activation: OutputActivation,
    dropout: float,
    bn_momentum: float,
    return_features: bool,
    name: str,
) -> keras.Model:
    check_num_classes(num_classes)
    check_choice(output_activation, OUTPUT_ACTIVATIONS, argument="output_activation")
    check_fraction(dropout, argument="dropout")
    image = image_input(input_shape, minimum=MIN_SIDE)
    features = _body(variant, image, width, width_rule, minimalistic, activation, bn_momentum)
    x = keras.layers.GlobalAveragePooling2D(keepdims=True, name="pool")(features[-1])
    # keras.applications: the head is widened above 1 but never narrowed.
    head_width = max(width, 1.0) if width_rule == "keras" else width
    x = conv(x, make_divisible(variant.head_channels * head_width), kernel=1, use_bias=True, name="head")
    x = activate(x, _nonlinearity(activation, minimalistic), name="head")
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    x = conv(x, num_classes, kernel=1, use_bias=True, name="logits")
    logits = keras.layers.Flatten(name="logits")(x)
    return finish(
        image,
        logits,
        features,
        output_activation=output_activation,
        return_features=return_features,
        name=name,
    )


def _body(
    variant: Variant,
    image: Any,
    width: float,
    width_rule: WidthRule,
    minimalistic: bool,
    activation: Activation | None,
    bn_momentum: float,
) -> list[Any]:
    """The feature maps that the variant's taps name, and the tail."""
    check_width(width)
    check_choice(width_rule, WIDTH_RULES, argument="width_rule")
    if activation is not None:
        check_choice(activation, ACTIVATIONS, argument="activation")
    check_fraction(bn_momentum, argument="bn_momentum")
    nonlinearity = _nonlinearity(activation, minimalistic)

    stem_channels = STEM_CHANNELS if width_rule == "keras" else make_divisible(STEM_CHANNELS * width)
    x = conv_bn(
        image,
        stem_channels,
        kernel=3,
        stride=2,
        activation=nonlinearity,
        bn_momentum=bn_momentum,
        name="stem",
    )
    features = []
    nominal_in = STEM_CHANNELS
    for number, row in enumerate(variant.rows, start=1):
        channels_in = x.shape[-1]
        if width_rule == "keras":
            expand_to = make_divisible(channels_in * row.expand / nominal_in)
            expands = number > 1
        else:
            expand_to = make_divisible(row.expand * width)
            expands = expand_to != channels_in
        x = inverted_residual(
            x,
            make_divisible(row.channels * width),
            expand_to=expand_to if expands else None,
            kernel=3 if minimalistic else row.kernel,
            stride=row.stride,
            squeeze_to=make_divisible(expand_to / 4) if row.squeeze and not minimalistic else None,
            activation=nonlinearity if row.hard_swish else "relu",
            bn_momentum=bn_momentum,
            name=f"block_{number}",
        ).output
        if number in variant.taps:
            features.append(x)
        nominal_in = row.channels
    tail = conv_bn(
        x,
        make_divisible(6 * x.shape[-1]),
        kernel=1,
        activation=nonlinearity,
        bn_momentum=bn_momentum,
        name="tail",
    )
    return [*features, tail]


def _nonlinearity(activation: Activation | None, minimalistic: bool) -> Activation:
    return activation or ("relu" if minimalistic else "hard_swish")
