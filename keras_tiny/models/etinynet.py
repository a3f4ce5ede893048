"""EtinyNet: Extremely Tiny Network for TinyML (Xu et al., AAAI 2022).

Two wirings of its dense blocks are in use: the authors' (github.com/aztc/EtinyNet) and TinyML_Det's.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from keras_tiny.blocks.activation import ACTIVATIONS, Activation
from keras_tiny.blocks.conv import conv
from keras_tiny.blocks.linear_depthwise import (
    NORM_ORDERS,
    SHORTCUTS,
    NormOrder,
    Shortcut,
    dense_linear_depthwise,
    linear_depthwise,
    norm_and_activate,
)
from keras_tiny.blocks.rounding import ROUNDINGS, Rounding, scale_channels
from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras
from keras_tiny.models.checks import (
    check_choice,
    check_count,
    check_fraction,
    check_num_classes,
    check_width,
    image_input,
)
from keras_tiny.models.outputs import OUTPUT_ACTIVATIONS, OutputActivation, feature_model, finish

MIN_SIDE = 32  # the last stage has stride 32


class Block(NamedTuple):
    """One block: LB or DLB, which of the five channel counts it puts out, and its stride."""

    kind: Literal["lb", "dlb"]
    channels_index: int
    stride: int


# The stem puts out the first channel count.
STAGES = (
    (Block("lb", 0, 1),) * 4,
    (Block("lb", 1, 2), Block("lb", 1, 1), Block("lb", 1, 1), Block("lb", 1, 1)),
    (Block("dlb", 2, 2), Block("dlb", 2, 1), Block("dlb", 2, 1)),
    (Block("dlb", 3, 2), Block("dlb", 3, 1), Block("dlb", 4, 1)),
)
CHANNELS = (32, 128, 192, 256, 512)


def etinynet(
    input_shape: tuple[int, int, int] = (96, 96, 3),
    *,
    num_classes: int,
    width: float = 1.0,
    channels: tuple[int, int, int, int, int] = CHANNELS,
    rounding: Rounding = "divisible",
    shortcut: Shortcut = "project",
    norm_order: NormOrder = "bn_relu",
    activation: Activation = "relu",
    output_activation: OutputActivation = "logits",
    bn_momentum: float = 0.9,
    return_features: bool = False,
) -> keras.Model:
    """The classifier: (batch, height, width, channels) → (batch, num_classes).

    Args:
        input_shape: (height, width, channels), sides of 32 pixels or more.
        width: multiplies `channels`; published widths are 1.0, 0.75, 0.5 and 0.35.
        channels: of stem and stage 1, of stages 2 and 3, and of stage 4's first two blocks and its last. The paper's
            EtinyNet-0.75 has (24, 96, 168, 192, 384), which is not 0.75 times the default.
        rounding: "divisible" to multiples of 8, which int8 kernels like (0.35: 16, 48, 64, 88, 176). "floor" gives
            the published numbers (0.35: 11, 44, 67, 89, 179).
        shortcut: "project" is the wiring behind TinyML_Det's table; "identity" is the paper's, smaller.
        norm_order: "bn_relu" folds at export; "relu_bn" is the order of the published weights and does not.
        activation: the hidden one.
        output_activation: "logits", or "auto" for sigmoid (one class) or softmax (more).
        bn_momentum: share of the old statistics that BatchNorm keeps per step.
        return_features: also return the ends of stages 1 to 4 (strides 4, 8, 16, 32), as [y, [features...]].

    Raises:
        BadInput: an argument that cannot be used, with what to try.
    """
    check_num_classes(num_classes)
    check_choice(output_activation, OUTPUT_ACTIVATIONS, argument="output_activation")
    image = image_input(input_shape, minimum=MIN_SIDE)
    features = _body(
        image,
        width=width,
        channels=channels,
        rounding=rounding,
        shortcut=shortcut,
        norm_order=norm_order,
        activation=activation,
        bn_momentum=bn_momentum,
    )
    x = keras.layers.GlobalAveragePooling2D(name="pool")(features[-1])
    logits = keras.layers.Dense(num_classes, name="logits")(x)
    return finish(
        image,
        logits,
        features,
        output_activation=output_activation,
        return_features=return_features,
        name="etinynet",
    )


def etinynet_features(
    input_shape: tuple[int, int, int] = (96, 96, 3),
    *,
    width: float = 1.0,
    channels: tuple[int, int, int, int, int] = CHANNELS,
    rounding: Rounding = "divisible",
    shortcut: Shortcut = "project",
    norm_order: NormOrder = "bn_relu",
    activation: Activation = "relu",
    bn_momentum: float = 0.9,
) -> keras.Model:
    """The backbone: (batch, height, width, channels) → the ends of stages 1 to 4, strides 4, 8, 16 and 32.

    A detector takes the last three. Arguments as in `etinynet`.
    """
    image = image_input(input_shape, minimum=MIN_SIDE)
    features = _body(
        image,
        width=width,
        channels=channels,
        rounding=rounding,
        shortcut=shortcut,
        norm_order=norm_order,
        activation=activation,
        bn_momentum=bn_momentum,
    )
    return feature_model(image, features, name="etinynet_features")


def _body(
    image: Any,
    *,
    width: float,
    channels: tuple[int, int, int, int, int],
    rounding: Rounding,
    shortcut: Shortcut,
    norm_order: NormOrder,
    activation: Activation,
    bn_momentum: float,
) -> list[Any]:
    """The ends of the four stages."""
    check_width(width)
    if len(channels) != len(CHANNELS):
        raise BadInput(
            f"channels must be {len(CHANNELS)} numbers, received {len(channels)}: {channels!r}.",
            hint=f"The paper's are {CHANNELS}.",
        )
    for count in channels:
        check_count(count, argument="channels")
    check_choice(rounding, ROUNDINGS, argument="rounding")
    check_choice(shortcut, SHORTCUTS, argument="shortcut")
    check_choice(norm_order, NORM_ORDERS, argument="norm_order")
    check_choice(activation, ACTIVATIONS, argument="activation")
    check_fraction(bn_momentum, argument="bn_momentum")
    widths = [scale_channels(count, width=width, rounding=rounding) for count in channels]

    x = conv(image, widths[0], kernel=3, stride=2, name="stem")
    x = norm_and_activate(
        x, norm_order=norm_order, activation=activation, bn_momentum=bn_momentum, name="stem"
    )
    x = keras.layers.MaxPooling2D(2, name="stem_pool")(x)
    features = []
    for stage_number, blocks in enumerate(STAGES, start=1):
        for block_number, block in enumerate(blocks, start=1):
            name = f"stage_{stage_number}_block_{block_number}"
            if block.kind == "lb":
                x = linear_depthwise(
                    x,
                    widths[block.channels_index],
                    stride=block.stride,
                    norm_order=norm_order,
                    activation=activation,
                    bn_momentum=bn_momentum,
                    name=name,
                )
            else:
                x = dense_linear_depthwise(
                    x,
                    widths[block.channels_index],
                    stride=block.stride,
                    shortcut=shortcut,
                    norm_order=norm_order,
                    activation=activation,
                    bn_momentum=bn_momentum,
                    name=name,
                )
        features.append(x)
    return features
