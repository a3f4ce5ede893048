"""Width rules: multiples of 8 that lose at most a tenth, or the floor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_tiny.blocks.rounding import make_divisible, scale_channels
from keras_tiny.errors import BadInput


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, 8), (11.2, 16), (12, 16), (8.4, 8), (89.6, 88), (179.2, 176), (33.6, 32), (36, 40), (1280, 1280)],
)
def test_make_divisible(value: float, expected: int) -> None:
    assert make_divisible(value) == expected


@given(st.floats(min_value=0.01, max_value=10_000))
def test_the_result_is_a_multiple_of_8_and_keeps_nine_tenths(value: float) -> None:
    rounded = make_divisible(value)
    assert rounded % 8 == 0
    assert rounded >= 0.9 * value
    assert rounded <= max(8, value + 8)


def test_etinynet_channels_at_width_0_35_under_both_rules() -> None:
    channels = (32, 128, 192, 256, 512)
    assert [scale_channels(c, width=0.35, rounding="floor") for c in channels] == [11, 44, 67, 89, 179]
    assert [scale_channels(c, width=0.35, rounding="divisible") for c in channels] == [16, 48, 64, 88, 176]


def test_a_width_that_leaves_no_channel_says_which_width_would() -> None:
    with pytest.raises(BadInput, match=r"width of at least 0\.03125"):
        scale_channels(32, width=0.03, rounding="floor")
    assert scale_channels(32, width=0.03125, rounding="floor") == 1
