"""MobileNetV2: Inverted Residuals and Linear Bottlenecks (Sandler et al., arXiv:1801.04381, table 2).

Numerically equal to keras.applications.MobileNetV2 on logits when its weights are copied.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from keras_tiny.blocks.activation import ACTIVATIONS, Activation
from keras_tiny.blocks.conv import conv_bn
from keras_tiny.blocks.inverted_residual import inverted_residual
from keras_tiny.blocks.rounding import ROUNDINGS, Rounding, make_divisible, scale_channels
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


class Stage(NamedTuple):
    """One row of table 2: t, c, n, s."""

    expansion: int
    channels: int
    blocks: int
    stride: int  # of the first block


STAGES = (
    Stage(1, 16, 1, 1),
    Stage(6, 24, 2, 2),
    Stage(6, 32, 3, 2),
    Stage(6, 64, 4, 2),
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 2),
    Stage(6, 320, 1, 1),
)
STEM_CHANNELS = 32
TAIL_CHANNELS = 1280

Taps = Literal["stages", "ssd"]
TAPS: tuple[Taps, ...] = ("stages", "ssd")


class Body(NamedTuple):
    """The tensors that a head or a detector may take.

    Attributes:
        stages: the output of each of the seven stages.
        expansions: of each stage, the expansion in its first block, after the activation.
        tail: the output of the last 1×1 convolution, or of the last stage if there is none.
    """

    stages: list[Any]
    expansions: list[Any]
    tail: Any

    def last_of_each_stride(self) -> list[Any]:
        """Strides 2, 4, 8, 16 and 32: after the 16-, 24-, 32- and 96-channel stages, and the tail."""
        return [self.stages[0], self.stages[1], self.stages[2], self.stages[4], self.tail]


def mobilenet_v2(
    input_shape: tuple[int, int, int] = (96, 96, 3),
    *,
    num_classes: int,
    width: float = 1.0,
    rounding: Rounding = "divisible",
    activation: Activation = "relu6",
    output_activation: OutputActivation = "logits",
    dropout: float = 0.2,
    bn_momentum: float = 0.999,
    return_features: bool = False,
) -> keras.Model:
    """The classifier: (batch, height, width, channels) → (batch, num_classes).

    Args:
        input_shape: (height, width, channels), sides of 32 pixels or more.
        width: the paper's alpha; multiplies every number of channels, except the last 1280 while it is at most 1.
        rounding: "divisible" to multiples of 8; "floor" only to reproduce published tables.
        activation: the hidden one.
        output_activation: "logits", or "auto" for sigmoid (one class) or softmax (more).
        dropout: rate before the last layer.
        bn_momentum: share of the old statistics that BatchNorm keeps per step; 0.9 suits a few hundred steps.
        return_features: also return the last tensor of strides 2, 4, 8, 16 and 32 (the tail), as [y, [features...]].

    Raises:
        BadInput: an argument that cannot be used, with what to try.
    """
    check_num_classes(num_classes)
    check_choice(output_activation, OUTPUT_ACTIVATIONS, argument="output_activation")
    check_fraction(dropout, argument="dropout")
    image = image_input(input_shape, minimum=MIN_SIDE)
    body = _body(
        image, width=width, rounding=rounding, activation=activation, bn_momentum=bn_momentum, tail=True
    )
    x = keras.layers.GlobalAveragePooling2D(name="pool")(body.tail)
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    logits = keras.layers.Dense(num_classes, name="logits")(x)
    return finish(
        image,
        logits,
        body.last_of_each_stride(),
        output_activation=output_activation,
        return_features=return_features,
        name="mobilenet_v2",
    )


def mobilenet_v2_features(
    input_shape: tuple[int, int, int] = (96, 96, 3),
    *,
    width: float = 1.0,
    rounding: Rounding = "divisible",
    activation: Activation = "relu6",
    bn_momentum: float = 0.999,
    taps: Taps = "stages",
    tail: bool = True,
) -> keras.Model:
    """The backbone: (batch, height, width, channels) → a list of maps, from fine to coarse.

    Args:
        taps: "stages" are the last tensors of strides 2, 4, 8, 16 and 32. "ssd" are the expansions of the first blocks
            into strides 16 and 32 (maps of strides 8 and 16) and the last tensor of stride 32.
        tail: keep the 1×1 convolution to 1280 channels.
        input_shape, width, rounding, activation, bn_momentum: as in `mobilenet_v2`.
    """
    check_choice(taps, TAPS, argument="taps")
    image = image_input(input_shape, minimum=MIN_SIDE)
    body = _body(
        image, width=width, rounding=rounding, activation=activation, bn_momentum=bn_momentum, tail=tail
    )
    if taps == "ssd":
        features = [body.expansions[3], body.expansions[5], body.tail]
    else:
        features = body.last_of_each_stride()
    return feature_model(image, features, name="mobilenet_v2_features")


def _body(
    image: Any, *, width: float, rounding: Rounding, activation: Activation, bn_momentum: float, tail: bool
) -> Body:
    """Everything before the head."""
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
    outputs, expansions = [], []
    index = 0
    for stage in STAGES:
        for block in range(stage.blocks):
            expanded, x = inverted_residual(
                x,
                _stage_channels(stage.channels, width, rounding),
                expand_to=None if stage.expansion == 1 else stage.expansion * x.shape[-1],
                stride=stage.stride if block == 0 else 1,
                activation=activation,
                bn_momentum=bn_momentum,
                name=f"block_{index}",
            )
            if block == 0:
                expansions.append(expanded)
            index += 1
        outputs.append(x)
    if tail:
        # The paper keeps 1280 for narrow models: the head's width matters most where there is least of it.
        channels = scale_channels(TAIL_CHANNELS, width=max(width, 1.0), rounding=rounding)
        x = conv_bn(x, channels, kernel=1, activation=activation, bn_momentum=bn_momentum, name="tail")
    return Body(stages=outputs, expansions=expansions, tail=x)


def _stage_channels(channels: int, width: float, rounding: Rounding) -> int:
    """As keras.applications: rounded down to a whole number before it is made divisible; stem and tail are not."""
    return (
        make_divisible(int(channels * width))
        if rounding == "divisible"
        else scale_channels(channels, width=width, rounding=rounding)
    )
