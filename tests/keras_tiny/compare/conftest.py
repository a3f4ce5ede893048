"""Two models of one graph as bundles, and what a virtual board made of the first."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcu.bundle import Bundle
from tests.mcu.hil.digits_bundle import digits, write_digits_bundle
from tests.support import require


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("module:tflite_micro")
    return tmp_path_factory.mktemp("compare")


@pytest.fixture(scope="package")
def first(folder: Path) -> Bundle:
    return write_digits_bundle(folder / "first")


@pytest.fixture(scope="package")
def second(folder: Path) -> Bundle:
    return write_digits_bundle(folder / "second", ridge=300.0)


@pytest.fixture(scope="package")
def other(folder: Path) -> Bundle:
    """With a softmax at the end: another graph."""
    return write_digits_bundle(folder / "other", softmax=True)


@pytest.fixture(scope="package")
def run_folder(folder: Path, first: Bundle) -> Path:
    from mcu.hil import validate

    validate(first, digits(), limit=20, out_dir=folder / "run")
    return folder / "run"
