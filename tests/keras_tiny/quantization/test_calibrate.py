"""Calibration sets every range exactly from data, and touches nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny import quantization
from keras_tiny.errors import BadInput
from keras_tiny.export.convert import convert
from keras_tiny.keras_api import keras
from keras_tiny.quantization.calibrate import range_variables, unset_ranges


def ranges(model: keras.Model) -> dict[str, float]:
    return {variable.name: float(variable) for variable in range_variables(model)}


def test_ranges_are_those_of_the_data(quantized: keras.Model, images: np.ndarray) -> None:
    found = ranges(quantized)
    stem = quantized.get_layer("quant_stem")(images)  # the images are on the input's grid already
    assert found["quant_stem_relu/output_min:0"] == 0.0
    assert found["quant_stem_relu/output_max:0"] == pytest.approx(min(6.0, float(np.max(stem))))
    logits = quantized(images).numpy()
    assert found["quant_logits/output_min:0"] == pytest.approx(logits.min(), rel=0.05)
    assert found["quant_logits/output_max:0"] == pytest.approx(logits.max(), rel=0.05)


def test_ranges_do_not_depend_on_how_the_images_are_batched(
    quantized: keras.Model, images: np.ndarray
) -> None:
    before = ranges(quantized)
    quantization.calibrate(quantized, images, batch_size=5)
    assert ranges(quantized) == pytest.approx(before, rel=1e-5)


def test_calibrating_again_forgets_what_was_before(quantized: keras.Model, images: np.ndarray) -> None:
    wide = ranges(quantized)
    quantization.calibrate(quantized, images * 0.1)
    narrow = ranges(quantized)
    assert narrow["quant_stem_relu/output_max:0"] < wide["quant_stem_relu/output_max:0"]


def test_only_ranges_change(quantized: keras.Model, images: np.ndarray) -> None:
    names = {variable.name for variable in range_variables(quantized)}
    rest = [weight for weight in quantized.weights if weight.name not in names]
    before = [weight.numpy() for weight in rest]
    quantization.calibrate(quantized, images[:4])
    assert len(rest) > 10
    for weight, old in zip(rest, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), old, err_msg=weight.name)


def test_the_first_training_batch_sets_ranges_that_were_never_set(
    float_model: keras.Model, images: np.ndarray
) -> None:
    model = quantization.quantize(float_model)
    assert unset_ranges(model)
    with pytest.raises(BadInput, match="never set"):
        convert(model)
    model(images, training=True)
    assert not unset_ranges(model)
    first = ranges(model)["quant_stem_relu/output_max:0"]
    model(images * 0.5, training=True)
    second = ranges(model)["quant_stem_relu/output_max:0"]
    assert 0.98 * first < second < first  # a moving average from then on


def test_a_tensor_that_is_always_zero_still_gets_a_range(images: np.ndarray) -> None:
    image = keras.layers.Input((16, 16, 3))
    dead = keras.layers.Conv2D(4, 3, bias_initializer=keras.initializers.Constant(-99.0))(image)
    x = keras.layers.Conv2D(2, 3)(keras.layers.ReLU()(dead))
    model = quantization.quantize(keras.Model(image, x))
    quantization.calibrate(model, images)
    assert not unset_ranges(model)
    assert len(convert(model)) > 1000


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (np.zeros((0, 16, 16, 3)), "received \\(0, 16, 16, 3\\)"),
        (np.zeros((4, 16, 8, 3)), "received \\(4, 16, 8, 3\\)"),
        (np.full((4, 16, 16, 3), 255), "look like pixels"),
        (np.full((4, 16, 16, 3), np.nan), "NaN"),
    ],
    ids=["no images", "another shape", "pixels", "NaN"],
)
def test_images_that_cannot_be_right_are_refused(
    quantized: keras.Model, bad: np.ndarray, complaint: str
) -> None:
    with pytest.raises(BadInput, match=complaint):
        quantization.calibrate(quantized, bad)


def test_a_float_model_is_refused(float_model: keras.Model, images: np.ndarray) -> None:
    with pytest.raises(BadInput, match="not quantized"):
        quantization.calibrate(float_model, images)
