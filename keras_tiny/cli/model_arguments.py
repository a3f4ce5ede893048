"""A builder's arguments as words of a command line: `width=0.35 input_shape=96x96x3 num_classes=10`."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any

from keras_tiny.errors import BadInput


def parse_arguments(words: Sequence[str]) -> dict[str, Any]:
    """`["width=0.35", "input_shape=96x96x3"]` → `{"width": 0.35, "input_shape": (96, 96, 3)}`.

    Numbers, None, True, False and (tuples, of them) are what Python reads; 96x96x3 is a shape; anything else is text.

    Raises:
        BadInput: a word without "=", or the same argument twice.
    """
    found: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise BadInput(f"'{word}' is no argument.", hint="Write NAME=VALUE, for example width=0.35")
        if name in found:
            raise BadInput(f"The argument {name} is given twice.")
        found[name] = _value(text)
    return found


def _value(text: str) -> Any:
    if re.fullmatch(r"\d+(x\d+)+", text):
        return tuple(int(side) for side in text.split("x"))
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
