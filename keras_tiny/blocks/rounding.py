"""How a width multiplier becomes a number of channels (MobileNet papers; slim's `make_divisible`)."""

from __future__ import annotations

from typing import Literal

from keras_tiny.errors import BadInput

Rounding = Literal["divisible", "floor"]
ROUNDINGS: tuple[Rounding, ...] = ("divisible", "floor")


def make_divisible(value: float, divisor: int = 8) -> int:
    """The multiple of `divisor` nearest to `value`, at least `divisor`, and never below 0.9 of `value`.

    Source: `make_divisible` of tensorflow/models slim, used by the papers of MobileNetV2 and V3.
    """
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    if rounded < 0.9 * value:
        rounded += divisor
    return rounded


def scale_channels(channels: int, *, width: float, rounding: Rounding) -> int:
    """`channels` times `width`, rounded by the rule.

    "divisible" gives multiples of 8, which int8 kernels like. "floor" is `int(channels * width)`: it gives odd
    counts and exists to reproduce published tables.

    Raises:
        BadInput: the product is less than one channel.
    """
    if rounding == "divisible":
        return make_divisible(channels * width)
    scaled = int(channels * width)
    if scaled < 1:
        raise BadInput(
            f"width={width} leaves no channel of {channels}: int({channels} * {width}) is {scaled}.",
            hint=f'Take a width of at least {1 / channels:.4g}, or rounding="divisible".',
        )
    return scaled
