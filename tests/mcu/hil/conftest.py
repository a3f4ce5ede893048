"""One bundle of a real classifier for all tests of this room."""

from __future__ import annotations

import pytest

from keras_tiny.data.sample import Dataset
from mcu.bundle import Bundle
from tests.mcu.hil.digits_bundle import digits, write_digits_bundle
from tests.support import require


@pytest.fixture(scope="session")
def data() -> Dataset:
    return digits()


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory, data: Dataset) -> Bundle:
    require("module:tflite_micro")
    return write_digits_bundle(tmp_path_factory.mktemp("bundles") / "digits", data=data)
