"""Golden vectors hold what TensorFlow Lite Micro answers, on extremes, noise and pictures."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny.errors import BadInput
from keras_tiny.export.golden import make_golden
from mcu.tflm import TflmInterpreter
from tests.keras_tiny.export.small import int8_file
from tests.support import require


@pytest.fixture(scope="module")
def model_bytes() -> bytes:
    require("module:tflite_micro")
    return int8_file()


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(5).integers(-100, 100, (count, 16, 16, 3), np.int8)


def test_the_extremes_and_noise_come_before_the_pictures(model_bytes: bytes) -> None:
    inputs, outputs = make_golden(model_bytes, pictures(3))
    assert inputs.shape == (7, 16, 16, 3)
    assert outputs.shape == (7, 4)
    assert inputs.dtype == outputs.dtype == np.int8
    assert (inputs[0] == -128).all()
    assert (inputs[1] == 127).all()
    assert inputs[2].min() == -128
    assert inputs[2].max() == 127
    np.testing.assert_array_equal(inputs[4:], pictures(3))


def test_outputs_are_those_of_tensorflow_lite_micro(model_bytes: bytes) -> None:
    inputs, outputs = make_golden(model_bytes, pictures(2))
    interpreter = TflmInterpreter(model_bytes)
    for picture, expected in zip(inputs, outputs, strict=True):
        np.testing.assert_array_equal(interpreter.invoke([picture[None]])[0].ravel(), expected)
    assert len(np.unique(outputs, axis=0)) > 3  # they tell inputs apart


def test_the_seed_decides_the_noise(model_bytes: bytes) -> None:
    first, again, other = (make_golden(model_bytes, pictures(1), seed=seed)[0] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first[2] != other[2]).any()


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((2, 16, 16, 3), np.float32), np.zeros((2, 8, 8, 3), np.int8), np.zeros((16, 16, 3), np.int8)],
    ids=["float", "another size", "no batch"],
)
def test_pictures_that_are_not_the_models_input_are_refused(model_bytes: bytes, wrong: np.ndarray) -> None:
    with pytest.raises(BadInput, match=r"int8 \(n, 16, 16, 3\)"):
        make_golden(model_bytes, wrong)
