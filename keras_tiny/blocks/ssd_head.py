"""What SSD puts on a backbone: smaller maps, and classes and boxes predicted on each (arXiv:1512.02325; 1801.04381).

SSDLite's are depthwise-separable, SSD's are full 3×3 convolutions; both as in TinyML_Det, whose counts they have.
"""

from __future__ import annotations

from typing import Any, Literal

from keras_tiny.blocks.conv import batch_norm, conv, depthwise
from keras_tiny.blocks.initializers import HE_NORMAL, depthwise_normal, near_zero
from keras_tiny.boxes.anchors import AnchorSpec
from keras_tiny.keras_api import keras

Head = Literal["ssd", "ssdlite"]


@keras.saving.register_keras_serializable(package="keras_tiny")
class BoxOutputs(keras.layers.Concatenate):
    """The box outputs of all maps in one tensor (batch, anchors, 4), with the anchors that they are told against.

    One CONCATENATION on the device. The anchors travel in the layer's config, so that a detector that was saved,
    quantized or loaded still knows what its numbers mean.

    Args:
        anchors: an `AnchorSpec`, or its plain values.
    """

    def __init__(self, anchors: AnchorSpec | dict[str, Any], axis: int = 1, **kwargs: Any):
        super().__init__(axis=axis, **kwargs)
        self.anchors = AnchorSpec.model_validate(anchors)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "anchors": self.anchors.model_dump(mode="json")}


def separable(
    x: Any, channels: int, *, stride: int = 1, bn_momentum: float | None, initializer: Any, name: str
) -> Any:
    """3×3 depthwise, [BatchNorm], ReLU, then 1×1 to `channels`, linear; both with bias.

    Args:
        bn_momentum: None leaves BatchNorm out, for a backbone that has none.
    """
    start = "glorot_uniform" if bn_momentum is not None else depthwise_normal(3)
    x = depthwise(x, kernel=3, stride=stride, use_bias=True, initializer=start, name=name)
    if bn_momentum is not None:
        x = batch_norm(x, momentum=bn_momentum, name=f"{name}_depthwise")
    x = keras.layers.ReLU(name=f"{name}_relu")(x)
    return conv(x, channels, kernel=1, use_bias=True, initializer=initializer, name=f"{name}_point")


def extra_map(
    x: Any, *, squeeze_to: int, channels: int, head: Head, bn_momentum: float | None, name: str
) -> Any:
    """A map of half the height and width, rounded up: 1×1 to `squeeze_to`, ReLU, then 3×3 with stride 2.

    SSDLite's 3×3 is `separable` and its output linear; SSD's is a full convolution and a ReLU follows.
    """
    x = conv(x, squeeze_to, kernel=1, use_bias=True, initializer=HE_NORMAL, name=f"{name}_squeeze")
    x = keras.layers.ReLU(name=f"{name}_squeeze_relu")(x)
    if head == "ssdlite":
        return separable(
            x, channels, stride=2, bn_momentum=bn_momentum, initializer="glorot_uniform", name=name
        )
    x = conv(x, channels, kernel=3, stride=2, use_bias=True, initializer=HE_NORMAL, name=name)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def predict(
    x: Any, *, numbers: int, per_cell: int, head: Head, last: bool, bn_momentum: float | None, name: str
) -> Any:
    """`numbers` outputs per anchor of one map: (batch, height·width·per_cell, numbers), anchor by anchor.

    Args:
        last: the last map is a single cell or few: SSDLite predicts there with a plain 1×1 convolution.
    """
    height, width = x.shape[1:3]
    channels = numbers * per_cell
    if head == "ssd":
        x = conv(x, channels, kernel=3, use_bias=True, initializer=near_zero(), name=name)
    elif last:
        x = conv(x, channels, kernel=1, use_bias=True, initializer=near_zero(), name=name)
    else:
        x = separable(x, channels, bn_momentum=bn_momentum, initializer=near_zero(), name=name)
    return keras.layers.Reshape((height * width * per_cell, numbers), name=f"{name}_rows")(x)
