"""Check a builder's arguments before anything is built; every error says what came and what to try."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras


def image_input(input_shape: Sequence[int], *, minimum: int = 1, multiple: int = 1) -> Any:
    """The model's input, float32 (batch, height, width, channels), called "image".

    Args:
        input_shape: (height, width, channels).
        minimum: the smallest height and width, in pixels.
        multiple: height and width must be multiples of this, because that is how often the model halves them.

    Raises:
        BadInput: a shape that is not three positive integers, too small, or not the needed multiple.
    """
    whole = isinstance(input_shape, tuple | list) and all(
        isinstance(side, int) and not isinstance(side, bool) for side in input_shape
    )
    if not whole or len(input_shape) != 3 or min(input_shape) < 1:
        raise BadInput(
            f"input_shape must be (height, width, channels) in whole pixels, received {input_shape!r}.",
            hint="For example input_shape=(96, 96, 3).",
        )
    height, width, channels = input_shape
    for axis, side in (("height", height), ("width", width)):
        if side < minimum:
            raise BadInput(
                f"The input's {axis} is {side}, this model needs at least {minimum}.",
                hint=f"Resize the images, e.g. to {minimum} x {minimum}.",
            )
        if side % multiple:
            below, above = side // multiple * multiple, -(-side // multiple) * multiple
            nearest = f"{above}" if below == 0 else f"{below} or {above}"
            raise BadInput(
                f"The input's {axis} is {side}, this model needs a multiple of {multiple}.",
                hint=f"Take {nearest}.",
            )
    return keras.Input((height, width, channels), name="image")


def check_width(width: float) -> None:
    """Raise `BadInput` unless the width multiplier is a positive number."""
    if isinstance(width, bool) or not isinstance(width, int | float) or not 0 < width < float("inf"):
        raise BadInput(
            f"width must be a positive number, received {width!r}.",
            hint="1.0 is the full width, 0.35 a third of the channels.",
        )


def check_count(value: int, *, argument: str, minimum: int = 1, hint: str = "") -> None:
    """Raise `BadInput` unless `value` is a whole number of at least `minimum`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
        raise BadInput(
            f"{argument} must be a whole number of at least {minimum}, received {value!r}.", hint=hint
        )


def check_num_classes(num_classes: int) -> None:
    """Raise `BadInput` unless there is something to tell apart."""
    check_count(
        num_classes, argument="num_classes", hint="1 is one yes-or-no output, 2 and more are classes."
    )


def check_output_stride(output_stride: int, strides: Sequence[int] = (1, 2)) -> None:
    """Raise `BadInput` unless the masks' sides are the picture's over one of `strides`."""
    if isinstance(output_stride, bool) or output_stride not in strides:
        known = f"{', '.join(map(str, strides[:-1]))} or {strides[-1]}"
        raise BadInput(f"output_stride must be {known}, received {output_stride!r}.")


def check_fraction(value: float, *, argument: str) -> None:
    """Raise `BadInput` unless 0 <= value < 1 (dropout rates, BatchNorm momentum)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise BadInput(f"{argument} must be at least 0 and below 1, received {value!r}.")


def check_choice(value: str, choices: Sequence[str], *, argument: str) -> None:
    """Raise `BadInput` unless `value` is one of `choices`; near names are offered."""
    if value in choices:
        return
    near = difflib.get_close_matches(str(value), choices, n=2)
    known = ", ".join(f'"{choice}"' for choice in choices)
    hint = "Did you mean " + " or ".join(f'"{name}"' for name in near) + "?" if near else ""
    raise BadInput(f"{argument} must be one of {known}; received {value!r}.", hint=hint)


def check_fractions(values: Sequence[float], *, count: int, argument: str) -> None:
    """Raise `BadInput` unless there are `count` numbers, each at least 0 and below 1."""
    if not isinstance(values, tuple | list) or len(values) != count:
        raise BadInput(f"{argument} must be {count} numbers, received {values!r}.")
    for value in values:
        check_fraction(value, argument=argument)
