"""MACs and parameters are counted by hand-checkable rules, in both conventions."""

from __future__ import annotations

import pytest

from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras, load_tfmot
from keras_tiny.profile.keras_macs import count_batch_norm_statistics, count_macs, count_params
from tests.support import require

layers = keras.layers


def one_layer(layer: keras.layers.Layer, shape: tuple[int, ...]) -> keras.Model:
    """A model that is this layer alone."""
    image = keras.Input(shape)
    return keras.Model(image, layer(image))


@pytest.mark.parametrize(
    ("layer", "shape", "macs", "params"),
    [
        (layers.Conv2D(5, 3, strides=2, padding="same"), (8, 6, 4), 4 * 3 * 9 * 4 * 5, 9 * 4 * 5 + 5),
        (layers.Conv2D(6, 3, groups=2, use_bias=False), (8, 8, 4), 6 * 6 * 9 * 2 * 6, 9 * 2 * 6),
        (layers.Conv2D(5, 3, dilation_rate=2, use_bias=False), (8, 8, 4), 4 * 4 * 9 * 4 * 5, 9 * 4 * 5),
        (layers.DepthwiseConv2D(5, padding="same"), (8, 8, 4), 64 * 25 * 4, 25 * 4 + 4),
        (layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False), (8, 8, 4), 36 * 9 * 8, 9 * 8),
        (layers.Conv2DTranspose(5, 2, strides=2), (8, 6, 4), 48 * 4 * 4 * 5, 4 * 4 * 5 + 5),
        (layers.Dense(5), (7,), 35, 40),
        (layers.MaxPooling2D(2), (8, 8, 4), 0, 0),
    ],
)
def test_macs_of_one_layer(layer: keras.layers.Layer, shape: tuple[int, ...], macs: int, params: int) -> None:
    model = one_layer(layer, shape)
    assert count_macs(model) == macs
    assert count_macs(model, convention="thop") == macs
    assert count_params(model) == params


def test_thop_counts_four_per_element_of_an_affine_batch_norm() -> None:
    affine = one_layer(layers.BatchNormalization(), (8, 6, 4))
    plain = one_layer(layers.BatchNormalization(center=False, scale=False), (8, 6, 4))
    assert count_macs(affine) == count_macs(plain) == count_macs(plain, convention="thop") == 0
    assert count_macs(affine, convention="thop") == 4 * 8 * 6 * 4


def test_batch_norm_statistics_are_counted_apart_and_once() -> None:
    image = keras.Input((8, 8, 4))
    norm = layers.BatchNormalization()
    model = keras.Model(image, norm(norm(image)))
    assert count_params(model) == 8
    assert count_batch_norm_statistics(model) == 8


def test_a_layer_that_is_called_twice_counts_twice_and_its_parameters_once() -> None:
    image = keras.Input((8, 8, 4))
    convolution = layers.Conv2D(4, 1, use_bias=False)
    model = keras.Model(image, convolution(convolution(image)))
    assert count_macs(model) == 2 * 64 * 16
    assert count_params(model) == 16


def test_a_model_inside_a_model_is_opened() -> None:
    inner = one_layer(layers.Conv2D(4, 1, use_bias=False), (8, 8, 4))
    outer = one_layer(keras.Sequential([inner, layers.Flatten(), layers.Dense(2)]), (8, 8, 4))
    assert count_macs(outer) == 64 * 16 + 256 * 2


def test_frozen_layers_count_like_any_other() -> None:
    model = one_layer(layers.Conv2D(5, 3), (8, 8, 4))
    before = count_params(model)
    model.trainable = False
    assert count_params(model) == before


def test_quantization_changes_neither_count() -> None:
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, use_bias=False)(image)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.ReLU(6.0)(layers.BatchNormalization()(layers.DepthwiseConv2D(3, use_bias=False)(x)))
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(x)))
    quantized = load_tfmot().quantization.keras.quantize_model(model)
    for convention in ("keras_tiny", "thop"):
        assert count_macs(quantized, convention=convention) == count_macs(model, convention=convention)
    assert count_params(quantized) == count_params(model)
    assert count_batch_norm_statistics(quantized) == count_batch_norm_statistics(model)


def test_a_layer_with_weights_and_no_rule_is_an_error_not_a_zero() -> None:
    with pytest.raises(BadInput, match=r"No rule counts the MACs of layer .* \(Conv1D\)"):
        count_macs(one_layer(layers.Conv1D(2, 3), (8, 4)))


def test_an_unknown_size_is_an_error() -> None:
    with pytest.raises(BadInput, match="is not known"):
        count_macs(one_layer(layers.Conv2D(2, 3), (None, None, 3)))


def test_an_unknown_convention_is_an_error() -> None:
    with pytest.raises(BadInput, match="convention must be one of keras_tiny, thop"):
        count_macs(one_layer(layers.Dense(2), (3,)), convention="flops")


def test_a_keras_3_model_is_an_error() -> None:
    require("module:keras")
    import keras as keras3

    with pytest.raises(BadInput, match="Keras 3"):
        count_macs(keras3.Sequential([keras3.layers.Dense(2)]))
