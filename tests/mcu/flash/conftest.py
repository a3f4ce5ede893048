"""Images of random bytes, as real firmware looks to a flasher; real bundles."""

from __future__ import annotations

import random

import pytest

from mcu.bundle import Bundle
from mcu.flash.image import Image, Segment
from tests.mcu.hil.digits_bundle import write_digits_bundle
from tests.support import require


@pytest.fixture
def two_sectors() -> Image:
    """2.4 KiB in the first two sectors of an STM32F4, with its start."""
    rng = random.Random(7)
    return Image(
        (Segment(0x0800_0000, rng.randbytes(1300)), Segment(0x0800_4000, rng.randbytes(1100), "model")),
        start=0x0800_0000,
    )


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A real one: digits, one dense layer."""
    require("module:tflite_micro")
    return write_digits_bundle(tmp_path_factory.mktemp("bundle") / "digits")


@pytest.fixture(scope="session")
def other_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The same with other weights."""
    require("module:tflite_micro")
    return write_digits_bundle(tmp_path_factory.mktemp("bundle") / "other", ridge=30.0)
