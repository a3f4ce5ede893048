"""Large-kernel attention (Visual Attention Network, arXiv:2202.09741, figure 2) and depthwise separable convolution."""

from __future__ import annotations

from typing import Any, Literal

from keras_tiny.blocks.activation import HardSigmoid
from keras_tiny.blocks.conv import conv, depthwise
from keras_tiny.blocks.initializers import HE_NORMAL, depthwise_normal
from keras_tiny.keras_api import keras

Gate = Literal["linear", "hard_sigmoid"]
GATES: tuple[Gate, ...] = ("linear", "hard_sigmoid")


def depthwise_separable(x: Any, channels: int, *, name: str) -> Any:
    """DP: depthwise 3×3 with bias, then 1×1 without; nothing between them."""
    x = depthwise(x, kernel=3, use_bias=True, initializer=depthwise_normal(3, gain=1.0), name=name)
    return conv(x, channels, kernel=1, initializer=HE_NORMAL, name=f"{name}_point")


def large_kernel_attention(x: Any, *, gate: Gate, name: str) -> Any:
    """`x` times an attention map of its own shape that sees 23×23 pixels.

    The map is 1×1(depthwise 7×7 of dilation 3(depthwise 5×5(x))). On maps below 19×19 most taps of the dilated kernel
    fall on padding.

    Args:
        gate: "linear" multiplies by the map as it is, as the authors do: a product of two unbounded tensors, wide in
            int8. "hard_sigmoid" bounds the map to [0, 1] first.
    """
    attention = depthwise(
        x, kernel=5, use_bias=True, initializer=depthwise_normal(5, gain=1.0), name=f"{name}_near"
    )
    attention = depthwise(
        attention,
        kernel=7,
        dilation=3,
        use_bias=True,
        initializer=depthwise_normal(7, gain=1.0),
        name=f"{name}_far",
    )
    attention = conv(attention, x.shape[-1], kernel=1, name=name)
    if gate == "hard_sigmoid":
        attention = HardSigmoid(name=f"{name}_gate")(attention)
    return keras.layers.Multiply(name=f"{name}_multiply")([x, attention])
