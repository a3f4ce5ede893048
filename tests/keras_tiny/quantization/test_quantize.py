"""The quantized twin: what it copies, what it leaves alone, what it refuses, and that it trains and resumes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_tiny import quantization
from keras_tiny.errors import BadInput
from keras_tiny.export.convert import convert
from keras_tiny.keras_api import keras, tf
from keras_tiny.quantization.scheme import TinyQuantizeScheme
from keras_tiny.quantization.tfmot import quantize_annotate_model, quantize_apply
from mcu.tflite import read_model

L = keras.layers
LABELS = np.arange(32) % 4


def compiled(model: keras.Model, *, rate: float = 1e-3) -> keras.Model:
    model.compile(keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def test_quantizing_leaves_the_float_model_as_it_was(float_model: keras.Model, images: np.ndarray) -> None:
    before, config = [weight.copy() for weight in float_model.get_weights()], float_model.to_json()
    model = quantization.quantize(float_model)
    compiled(model).fit(images, LABELS, verbose=0)
    assert all((a == b).all() for a, b in zip(before, float_model.get_weights(), strict=True))
    assert float_model.to_json() == config


def test_quantizing_changes_the_answers_by_little(
    float_model: keras.Model, quantized: keras.Model, images: np.ndarray
) -> None:
    exact, rounded = float_model(images).numpy(), quantized(images).numpy()
    assert 0 < np.abs(rounded - exact).mean() < 0.05 * exact.std()


def test_every_trainable_weight_is_kept_and_gets_a_finite_gradient(
    float_model: keras.Model, quantized: keras.Model, images: np.ndarray
) -> None:
    def shapes(model: keras.Model) -> list:
        return sorted(tuple(weight.shape) for weight in model.trainable_weights)

    assert shapes(quantized) == shapes(float_model)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(quantized(images, training=True)))
    for weight, gradient in zip(
        quantized.trainable_weights, tape.gradient(loss, quantized.trainable_weights), strict=True
    ):
        assert gradient is not None, weight.name
        assert np.isfinite(gradient).all(), weight.name
        assert np.abs(gradient).max() > 0, weight.name


def test_it_trains(quantized: keras.Model, images: np.ndarray) -> None:
    red, green = images[..., 0].mean((1, 2)), images[..., 1].mean((1, 2))
    labels = 2 * (red > np.median(red)) + (green > np.median(green))
    model = compiled(quantized, rate=1e-2)
    losses = model.fit(images, labels, epochs=20, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]


def test_batch_norm_statistics_move_in_training(quantized: keras.Model, images: np.ndarray) -> None:
    means = [weight for weight in quantized.weights if "moving_mean" in weight.name]
    before = [weight.numpy() for weight in means]
    quantized(images + 0.1, training=True)
    assert len(means) == 3
    assert all(np.abs(weight.numpy() - old).max() > 1e-4 for weight, old in zip(means, before, strict=True))


def test_the_statistics_of_a_batch_norm_alone_move_in_training(images: np.ndarray) -> None:
    image = L.Input((16, 16, 3))
    model = quantization.quantize(keras.Model(image, L.BatchNormalization(name="alone")(image)))
    model(images, training=True)
    assert np.abs(model.get_layer("quant_alone").layer.moving_mean).max() > 1e-4


def test_a_frozen_layer_stays_frozen(float_model: keras.Model, images: np.ndarray) -> None:
    for layer in float_model.layers:
        layer.trainable = layer.name == "logits"
    model = quantization.quantize(float_model)
    assert {weight.shape.rank for weight in model.trainable_weights} == {1, 2}  # the dense kernel and bias


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_it_saves_loads_and_resumes_bit_identically(
    quantized: keras.Model, images: np.ndarray, tmp_path: Path, suffix: str
) -> None:
    compiled(quantized)
    for layer in quantized.layers:
        if layer.name == "quant_dropout":
            layer.layer.rate = 0.0  # its random state is not part of a model
    quantized.train_on_batch(images, LABELS)
    quantized.save(tmp_path / f"model{suffix}")
    loaded = quantization.load(tmp_path / f"model{suffix}")
    np.testing.assert_array_equal(loaded(images).numpy(), quantized(images).numpy())
    assert convert(loaded) == convert(quantized)
    for _ in range(2):
        assert loaded.train_on_batch(images, LABELS) == quantized.train_on_batch(images, LABELS)
    for a, b in zip(quantized.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_tfmot_itself_applies_the_scheme_with_the_same_result(
    float_model: keras.Model, images: np.ndarray
) -> None:
    ours = quantization.quantize(float_model)
    with quantization.scope():
        theirs = quantize_apply(
            quantize_annotate_model(float_model), scheme=TinyQuantizeScheme(input_range=(-1.0, 127 / 128))
        )
    assert [layer.name for layer in theirs.layers] == [layer.name for layer in ours.layers]
    for model in (ours, theirs):
        quantization.calibrate(model, images)
    np.testing.assert_array_equal(ours(images).numpy(), theirs(images).numpy())


def test_the_input_is_the_pixel_minus_128(quantized: keras.Model) -> None:
    model = read_model(convert(quantized))
    tensor = model.tensors[model.inputs[0]].spec()
    assert (tensor.scale, tensor.zero_point, tensor.dtype) == (1 / 128, 0, "int8")


def test_another_input_range_gives_another_input_scale(float_model: keras.Model, images: np.ndarray) -> None:
    model = quantization.quantize(float_model, input_range=(0.0, 1.0))
    quantization.calibrate(model, (images + 1) / 2)
    file = read_model(convert(model))
    tensor = file.tensors[file.inputs[0]].spec()
    assert tensor.scale == pytest.approx(1 / 255)
    assert tensor.zero_point == -128


def test_features_beside_the_output_become_a_flat_list(images: np.ndarray) -> None:
    image = L.Input((16, 16, 3))
    a = L.ReLU()(L.Conv2D(4, 3)(image))
    b = L.ReLU()(L.Conv2D(4, 3)(a))
    model = quantization.quantize(keras.Model(image, [L.Dense(2)(L.Flatten()(b)), [a, b]]))
    assert [output.shape[1:] for output in model.outputs] == [(2,), (14, 14, 4), (12, 12, 4)]


def test_a_sequential_model_is_quantized_too(images: np.ndarray) -> None:
    model = keras.Sequential(
        [L.Input((16, 16, 3)), L.Conv2D(4, 3, activation="relu"), L.Flatten(), L.Dense(2)]
    )
    model = quantization.quantize(model)
    quantization.calibrate(model, images)
    assert model(images).shape == (32, 2)


def test_what_is_quantized_already_is_refused(quantized: keras.Model) -> None:
    with pytest.raises(BadInput, match="quantized already"):
        quantization.quantize(quantized)


def test_a_layer_that_cannot_be_quantized_is_named() -> None:
    image = L.Input((8, 8, 3))
    with pytest.raises(BadInput, match=r"'odd_one' \(PReLU\) cannot be quantized"):
        quantization.quantize(keras.Model(image, L.PReLU(name="odd_one")(L.Conv2D(2, 3)(image))))


def test_a_relu_that_no_operator_has_is_named() -> None:
    image = L.Input((8, 8, 3))
    with pytest.raises(BadInput, match=r"'odd_one' \(ReLU\)"):
        quantization.quantize(keras.Model(image, L.ReLU(2.0, name="odd_one")(L.Conv2D(2, 3)(image))))


def test_an_activation_that_cannot_be_quantized_is_named() -> None:
    image = L.Input((8, 8, 3))
    with pytest.raises(BadInput, match=r"'odd_one' \(Conv2D\)"):
        quantization.quantize(keras.Model(image, L.Conv2D(2, 3, activation="elu", name="odd_one")(image)))


def test_a_model_inside_a_model_is_refused() -> None:
    image = L.Input((8, 8, 3))
    inner = keras.Sequential([L.Conv2D(2, 3)], name="inner")
    with pytest.raises(BadInput, match=r"'inner'.* is a model itself"):
        quantization.quantize(keras.Model(image, inner(image)))


@pytest.mark.parametrize("input_range", [(1.0, 1.0), (1.0, -1.0)])
def test_an_empty_input_range_is_refused(float_model: keras.Model, input_range: tuple[float, float]) -> None:
    with pytest.raises(BadInput, match="empty"):
        quantization.quantize(float_model, input_range=input_range)


def test_a_keras_3_model_gets_one_clear_error() -> None:
    code = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)])
from keras_tiny import quantization
from keras_tiny.errors import BadInput
from keras_tiny.export.convert import convert
for verb in (quantization.quantize, convert):
    try:
        verb(model)
    except BadInput as error:
        assert "Keras 3" in str(error), error
    else:
        raise AssertionError(verb)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
