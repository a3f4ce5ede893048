"""Words of a command line become the values that a builder takes."""

from __future__ import annotations

import pytest

from keras_tiny.cli.model_arguments import parse_arguments
from keras_tiny.errors import BadInput


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("width=0.35", 0.35),
        ("input_shape=96x64x3", (96, 64, 3)),
        ("input_shape=(96, 64, 3)", (96, 64, 3)),
        ("num_classes=10", 10),
        ("last_conv=None", None),
        ("minimalistic=True", True),
        ("upsample=bilinear", "bilinear"),
        ("features=(8,16,32,64)", (8, 16, 32, 64)),
        ("name=a=b", "a=b"),
    ],
)
def test_a_value_is_read_as_python_or_as_a_shape_or_as_text(word: str, value: object) -> None:
    (found,) = parse_arguments([word]).values()
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("words", [["width"], ["=3"], ["width=1", "width=2"]])
def test_what_is_no_argument_or_comes_twice_is_refused(words: list[str]) -> None:
    with pytest.raises(BadInput):
        parse_arguments(words)
