"""What every model of the table holds to: it trains, it saves and loads, and each of its arguments does something."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_tiny import models
from keras_tiny.keras_api import keras, tf
from tests.keras_tiny.models.reference import cached_build, images

SHAPE = (32, 32, 3)
CLASSES = 2
# The smallest of each kind, to be quick; what is not here is small enough at its defaults.
SMALL: dict[str, dict[str, Any]] = {
    "mobilenet_v1": {"width": 0.25},
    "mobilenet_v2": {"width": 0.1},
    "mobilenet_v3_small": {"width": 0.25},
    "mobilenet_v3_large": {"width": 0.25},
    "squeezenet": {"width": 0.25},
    "etinynet": {"width": 0.25},
    "unet5": {"alpha": 16},
    "unet4": {"alpha": 16},
    "mobile_unet": {"width": 0.25, "last_conv": 16},
    "efficient_unet": {"features": (4, 8, 8, 8)},
}
# For every argument, a value that is neither the default nor that of SMALL.
OTHER: dict[str, Any] = {
    "input_shape": (64, 32, 1),
    "num_classes": 3,
    "width": 0.6,
    "rounding": "floor",
    "width_rule": "keras",
    "minimalistic": True,
    "batch_norm": True,
    "head_activation": True,
    "channels": (8, 16, 24, 32, 40),
    "shortcut": "identity",
    "norm_order": "relu_bn",
    "alpha": 8,
    "alpha2": 3,
    "alpha3": 2,
    "decoder_channels": 8,
    "fusion": "paper",
    "features": (4, 8, 12, 16),
    "gate": "hard_sigmoid",
    "last_conv": None,
    "project_bn": True,
    "activation": "leaky_relu",
    "upsample": "nearest",
    "output_activation": "auto",
    "dropout": 0.75,
    "bn_momentum": 0.5,
    "return_features": True,
}
# Arguments that act only beside another: at width 0.25 the two roundings agree on some models.
BESIDE: dict[tuple[str, str], dict[str, Any]] = {
    ("squeezenet", "bn_momentum"): {"batch_norm": True},
    ("mobilenet_v1", "rounding"): {"width": 0.35},
    ("etinynet", "rounding"): {"width": 0.35},
}

# Between them they have every layer of our own and the widest wiring; loading builds a model once more.
LOADED_EVERY_TIME = {"mobilenet_v3_small", "espnet", "efficient_unet"}


def small(name: str) -> keras.Model:
    """The smallest of its kind, shared between tests: do not train it."""
    return cached_build(name, input_shape=SHAPE, num_classes=CLASSES, **SMALL.get(name, {}))


def description(model: keras.Model) -> str:
    """The graph with all its settings; layers are named after what they do, so names are part of it."""
    return model.to_json()


@pytest.mark.parametrize("name", models.MODELS)
def test_every_weight_gets_a_finite_gradient_that_is_not_all_zero(name: str) -> None:
    """Summed over two batches in training mode, from a loss that no output can escape."""
    model = small(name)
    seen = {weight.name: 0.0 for weight in model.trainable_weights}
    for seed in range(2):
        x = images(SHAPE, count=4, seed=seed)
        with tf.GradientTape() as tape:
            y = model(x, training=True)
            loss = tf.reduce_mean(y * np.random.default_rng(seed).normal(size=y.shape).astype(np.float32))
        for weight, gradient in zip(
            model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True
        ):
            assert gradient is not None, f"{weight.name} is not connected to the output"
            assert np.isfinite(gradient.numpy()).all(), weight.name
            seen[weight.name] += float(np.abs(gradient.numpy()).sum())
    # A bias that BatchNorm follows shifts nothing; its gradient is zero but for rounding.
    dead = [weight for weight, total in seen.items() if total == 0.0 and "bias" not in weight]
    assert not dead


@pytest.mark.parametrize(
    "name",
    [
        name if name in LOADED_EVERY_TIME else pytest.param(name, marks=pytest.mark.slow)
        for name in models.MODELS
    ],
)
def test_a_model_saves_and_loads(name: str, tmp_path: Path) -> None:
    model = small(name)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = images(SHAPE)
    np.testing.assert_array_equal(loaded(x).numpy(), model(x).numpy())


@pytest.mark.slow
@pytest.mark.parametrize("name", models.MODELS)
def test_every_argument_changes_the_graph(name: str) -> None:
    builder = models.MODELS.load(name)
    base = {"input_shape": SHAPE, "num_classes": CLASSES, **SMALL.get(name, {})}
    for argument, parameter in inspect.signature(builder).parameters.items():
        other = OTHER[argument]
        if argument == "dropout" and isinstance(parameter.default, tuple):
            other = tuple(OTHER["dropout"] for _ in parameter.default)
        beside = BESIDE.get((name, argument), {})
        before = description(cached_build(name, **{**base, **beside}))
        after = description(builder(**{**base, **beside, argument: other}))
        assert before != after, f"{argument}={other!r} changes nothing in {name}"


@pytest.mark.slow
@pytest.mark.parametrize("name", models.MODELS)
def test_a_model_builds_at_another_size_with_the_same_weights(name: str) -> None:
    larger = models.build(name, input_shape=(96, 64, 3), num_classes=CLASSES, **SMALL.get(name, {}))
    assert [tuple(w.shape) for w in larger.weights] == [tuple(w.shape) for w in small(name).weights]
    if models.MODELS[name].task == "segmentation":
        assert larger.output_shape == (None, 96, 64, CLASSES)
    else:
        assert larger.output_shape == (None, CLASSES)
