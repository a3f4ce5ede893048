"""The layers of our own: what they compute, that they save and load, and how weights start."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from keras_tiny.blocks.activation import ACTIVATIONS, HardSigmoid, HardSwish, activate
from keras_tiny.blocks.initializers import depthwise_normal
from keras_tiny.blocks.space_to_depth import SpaceToDepth
from keras_tiny.blocks.squeeze_excite import squeeze_excite
from keras_tiny.blocks.upsample import upsample_conv
from keras_tiny.keras_api import keras

X = np.linspace(-5, 5, 101, dtype=np.float32)


def test_hard_sigmoid_and_hard_swish_by_their_definition() -> None:
    gate = np.clip(X + 3, 0, 6) / 6
    np.testing.assert_allclose(HardSigmoid()(X).numpy(), gate, atol=1e-6)
    np.testing.assert_allclose(HardSwish()(X).numpy(), X * gate, atol=1e-6)


def test_own_layers_load_without_custom_objects(tmp_path: Path) -> None:
    image = keras.Input((4, 4, 3))
    x = SpaceToDepth(2)(HardSigmoid()(HardSwish()(image)))
    model = keras.Model(image, x)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    batch = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype(np.float32)
    np.testing.assert_array_equal(loaded(batch).numpy(), model(batch).numpy())
    assert loaded.output_shape == (None, 2, 2, 12)
    assert loaded.layers[-1].block_size == 2


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_an_activation_is_one_named_layer_without_weights(kind: str) -> None:
    image = keras.Input((4, 4, 3))
    model = keras.Model(image, activate(image, kind, name="part"))
    assert [layer.name for layer in model.layers[1:]] == [f"part_{kind}"]
    assert not model.weights


def test_squeeze_excite_multiplies_each_channel_by_one_number_between_0_and_1() -> None:
    image = keras.Input((4, 4, 3))
    model = keras.Model(image, squeeze_excite(image, squeeze_to=8, name="se"))
    batch = np.random.default_rng(0).uniform(1.0, 2.0, size=(2, 4, 4, 3)).astype(np.float32)
    ratio = model(batch).numpy() / batch
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :1], ratio.shape), rtol=1e-5)
    assert ratio.min() > 0.0
    assert ratio.max() < 1.0


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_a_1x1_before_the_resize_is_the_same_as_after_it(mode: str) -> None:
    image = keras.Input((4, 4, 3))
    ours = keras.Model(image, upsample_conv(image, 5, mode=mode, kernel=2, name="up"))
    convolution = keras.layers.Conv2D(5, 1)
    after = keras.Model(image, convolution(keras.layers.UpSampling2D(2, interpolation=mode)(image)))
    after.set_weights([w + 0.1 for w in ours.get_weights()])
    ours.set_weights(after.get_weights())
    batch = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype(np.float32)
    np.testing.assert_allclose(ours(batch).numpy(), after(batch).numpy(), atol=1e-5)


def test_depthwise_kernels_start_by_what_one_output_sees() -> None:
    kernel = depthwise_normal(5, gain=1.0)((5, 5, 400, 1)).numpy()
    assert kernel.std() == pytest.approx(1 / 5, rel=0.03)
