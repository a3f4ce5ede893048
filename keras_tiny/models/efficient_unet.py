"""Efficient UNet (ZappaRoberto/Efficent_Unet): SPD-Conv down, large-kernel attention, transposed convolution up.

Of the author's several files this follows the one that his figures show: 4,564,511 parameters at (64, 128, 256, 512).
"""

from __future__ import annotations

from typing import Any

from keras_tiny.blocks.activation import ACTIVATIONS, Activation, activate
from keras_tiny.blocks.conv import batch_norm, conv
from keras_tiny.blocks.initializers import HE_NORMAL
from keras_tiny.blocks.large_kernel_attention import (
    GATES,
    Gate,
    depthwise_separable,
    large_kernel_attention,
)
from keras_tiny.blocks.space_to_depth import SpaceToDepth
from keras_tiny.blocks.upsample import UPSAMPLES, Upsample, upsample_conv
from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras
from keras_tiny.models.checks import (
    check_choice,
    check_count,
    check_fraction,
    check_num_classes,
    image_input,
)
from keras_tiny.models.outputs import OUTPUT_ACTIVATIONS, OutputActivation, feature_model, finish

MULTIPLE = 8
FEATURES = (64, 128, 256, 512)


def efficient_unet(
    input_shape: tuple[int, int, int] = (128, 128, 3),
    *,
    num_classes: int = 1,
    features: tuple[int, int, int, int] = FEATURES,
    gate: Gate = "linear",
    activation: Activation = "hard_swish",
    upsample: Upsample = "transpose",
    output_activation: OutputActivation = "logits",
    bn_momentum: float = 0.9,
    return_features: bool = False,
) -> keras.Model:
    """The segmenter: (batch, height, width, channels) → (batch, height, width, num_classes).

    Args:
        input_shape: (height, width, channels), sides multiples of 8.
        num_classes: channels of the output; 1 is foreground or not.
        features: channels at strides 1, 2, 4 and 8. For microcontrollers (8, 16, 32, 64).
        gate: "linear" is the author's attention; "hard_sigmoid" bounds it to [0, 1], which int8 likes.
        activation: the hidden one.
        upsample: "transpose" is the author's 2×2 transposed convolution; "nearest" and "bilinear" resize.
        output_activation: "logits", or "auto" for sigmoid (one channel) or softmax (more).
        bn_momentum: share of the old statistics that BatchNorm keeps per step.
        return_features: also return [x0, x1, x2, x3, u1, u2, u3, logits], as [y, [features...]].

    Raises:
        BadInput: an argument that cannot be used, with what to try.
    """
    check_num_classes(num_classes)
    check_choice(output_activation, OUTPUT_ACTIVATIONS, argument="output_activation")
    check_choice(upsample, UPSAMPLES, argument="upsample")
    image = image_input(input_shape, multiple=MULTIPLE)
    x0, x1, x2, x3 = _encoder(image, features, gate, activation, bn_momentum)

    def up(x: Any, channels: int, number: int) -> Any:
        name = f"up{number}"
        x = _conv_block(x, activation, bn_momentum, name=name)
        x = large_kernel_attention(x, gate=gate, name=f"{name}_attention")
        return upsample_conv(x, channels, mode=upsample, kernel=2, name=name)

    def joined(x: Any, skip: Any, name: str) -> Any:
        return keras.layers.Concatenate(name=f"{name}_concat")([x, skip])

    u1 = up(x3, features[2], 1)
    u2 = up(joined(u1, x2, "up2"), features[1], 2)
    u3 = up(joined(u2, x1, "up3"), features[0], 3)
    logits = keras.layers.Conv2D(num_classes, 1, kernel_initializer=HE_NORMAL, name="logits")(
        joined(u3, x0, "logits")
    )
    return finish(
        image,
        logits,
        [x0, x1, x2, x3, u1, u2, u3, logits],
        output_activation=output_activation,
        return_features=return_features,
        name="efficient_unet",
    )


def efficient_unet_features(
    input_shape: tuple[int, int, int] = (128, 128, 3),
    *,
    features: tuple[int, int, int, int] = FEATURES,
    gate: Gate = "linear",
    activation: Activation = "hard_swish",
    bn_momentum: float = 0.9,
) -> keras.Model:
    """The encoder: (batch, height, width, channels) → [x0, x1, x2, x3], strides 1, 2, 4, 8."""
    image = image_input(input_shape, multiple=MULTIPLE)
    encoder = _encoder(image, features, gate, activation, bn_momentum)
    return feature_model(image, encoder, name="efficient_unet_features")


def _encoder(
    image: Any,
    features: tuple[int, int, int, int],
    gate: Gate,
    activation: Activation,
    bn_momentum: float,
) -> list[Any]:
    """x0 to x3."""
    if not isinstance(features, tuple | list) or len(features) != len(FEATURES):
        raise BadInput(
            f"features must be {len(FEATURES)} numbers of channels, received {features!r}.",
            hint=f"The author's are {FEATURES}; (8, 16, 32, 64) suits a microcontroller.",
        )
    for count in features:
        check_count(count, argument="features")
    check_choice(gate, GATES, argument="gate")
    check_choice(activation, ACTIVATIONS, argument="activation")
    check_fraction(bn_momentum, argument="bn_momentum")

    x = depthwise_separable(image, features[0], name="stem")
    encoder = [x]
    for number, channels in enumerate(features[1:], start=1):
        name = f"down{number}"
        x = SpaceToDepth(name=f"{name}_space_to_depth")(x)
        x = conv(x, channels, kernel=1, initializer=HE_NORMAL, name=name)
        x = _conv_block(x, activation, bn_momentum, name=name)
        x = large_kernel_attention(x, gate=gate, name=f"{name}_attention")
        encoder.append(x)
    return encoder


def _conv_block(x: Any, activation: Activation, bn_momentum: float, *, name: str) -> Any:
    """BatchNorm → activation → DP → BatchNorm → activation → DP → BatchNorm → activation, channels unchanged.

    The first BatchNorm folds where a convolution precedes it; behind a concatenation or a product it cannot.
    """
    channels = x.shape[-1]
    x = activate(batch_norm(x, momentum=bn_momentum, name=name), activation, name=name)
    for part in ("a", "b"):
        x = depthwise_separable(x, channels, name=f"{name}_{part}")
        x = batch_norm(x, momentum=bn_momentum, name=f"{name}_{part}")
        x = activate(x, activation, name=f"{name}_{part}")
    return x
