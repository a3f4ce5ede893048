"""Images of random bytes, as real firmware looks to a flasher."""

from __future__ import annotations

import random

import pytest

from mcu.flash.image import Image, Segment


@pytest.fixture
def two_sectors() -> Image:
    """2.4 KiB in the first two sectors of an STM32F4, with its start."""
    rng = random.Random(7)
    return Image(
        (Segment(0x0800_0000, rng.randbytes(1300)), Segment(0x0800_4000, rng.randbytes(1100), "model")),
        start=0x0800_0000,
    )
