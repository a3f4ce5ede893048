"""What every model of the table holds to: it trains, it saves and loads, and each of its arguments does something."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_tiny import models
from keras_tiny.keras_api import keras, tf
from tests.keras_tiny.models.garden import garden
from tests.keras_tiny.models.reference import images
from tests.keras_tiny.models.subject import CLASSES, SHAPE, Subject

LARGER = (96, 64, 3)
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
    "output_stride": 2,
    "project_bn": True,
    "activation": "leaky_relu",
    "upsample": "nearest",
    "output_activation": "auto",
    "dropout": 0.75,
    "bn_momentum": 0.5,
    "return_features": True,
    "backbone": "mobilenet_v2",
    "tail": True,
    "min_sizes": (0.15, 0.25, 0.4, 0.55, 0.7, 0.9),
    "max_sizes": (0.25, 0.4, 0.55, 0.75, 0.92, 0.95),
    "aspect_ratios": ((3.0,),) * 6,
}
# Arguments that act only beside another: at width 0.25 the two roundings agree on some models.
BESIDE: dict[tuple[str, str], dict[str, Any]] = {
    ("squeezenet", "bn_momentum"): {"batch_norm": True},
    ("mobilenet_v1", "rounding"): {"width": 0.35},
    ("etinynet", "rounding"): {"width": 0.35},
    **{(head, "rounding"): {"width": 0.35} for head in ("ssd", "ssdlite")},
    **{(head, "tail"): {"backbone": "mobilenet_v2"} for head in ("ssd", "ssdlite")},
    **{(head, "batch_norm"): {"backbone": "squeezenet"} for head in ("ssd", "ssdlite")},
}


def description(model: keras.Model) -> str:
    """The graph with all its settings; layers are named after what they do, so names are part of it."""
    return model.to_json()


def test_every_weight_gets_a_finite_gradient_that_is_not_all_zero(subject: Subject) -> None:
    """Summed over two batches in training mode, from a loss that no output can escape."""
    model = subject.float_model
    seen = {weight.name: 0.0 for weight in model.trainable_weights}
    for seed in range(2):
        x = images(SHAPE, count=4, seed=seed)
        random = np.random.default_rng(seed)
        with tf.GradientTape() as tape:
            outputs = tf.nest.flatten(model(x, training=True))
            loss = tf.add_n([tf.reduce_mean(y * random.normal(size=y.shape)) for y in outputs])
        for weight, gradient in zip(
            model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True
        ):
            assert gradient is not None, f"{weight.name} is not connected to the output"
            assert np.isfinite(gradient.numpy()).all(), weight.name
            seen[weight.name] += float(np.abs(gradient.numpy()).sum())
    # A bias that BatchNorm follows shifts nothing; its gradient is zero but for rounding.
    dead = [weight for weight, total in seen.items() if total == 0.0 and "bias" not in weight]
    assert not dead


def test_a_model_builds_at_another_size_with_the_same_weights(subject: Subject) -> None:
    """And with its features beside the output, where it offers them."""
    offers = "return_features" in inspect.signature(models.MODELS.load(subject.name)).parameters
    wish = {"return_features": True} if offers else {}
    larger = models.build(subject.name, **{**subject.arguments, "input_shape": LARGER, **wish})
    assert [w.shape for w in larger.weights] == [w.shape for w in subject.float_model.weights]
    output, features = larger.output if offers else (larger.output, [])
    if subject.task == "segmentation":
        assert output.shape == (None, *LARGER[:2], CLASSES)
    elif subject.task == "classification":
        assert output.shape == (None, CLASSES)
    else:
        assert [tensor.shape[2] for tensor in output] == [CLASSES, 4]  # of each anchor
    for feature in features:
        _, height, width, _ = feature.shape
        assert height >= width >= 1, "the first side is the longer one in every map"
    assert bool(features) == offers


@pytest.mark.parametrize(
    "subject", garden(always={"mobilenet_v3_small", "espnet", "efficient_unet"}), indirect=True
)
def test_a_model_saves_and_loads(subject: Subject, tmp_path: Path) -> None:
    """In the default run those that between them have every layer of our own and the widest wiring."""
    model = subject.float_model
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = images(SHAPE)
    for ours, theirs in zip(tf.nest.flatten(model(x)), tf.nest.flatten(loaded(x)), strict=True):
        np.testing.assert_array_equal(theirs.numpy(), ours.numpy())


@pytest.mark.slow
def test_every_argument_changes_the_graph(subject: Subject) -> None:
    builder = models.MODELS.load(subject.name)
    for argument, parameter in inspect.signature(builder).parameters.items():
        other = OTHER[argument]
        if argument == "dropout" and isinstance(parameter.default, tuple):
            other = tuple(OTHER["dropout"] for _ in parameter.default)
        beside = {**subject.arguments, **BESIDE.get((subject.name, argument), {})}
        before = description(builder(**beside) if beside != subject.arguments else subject.float_model)
        after = description(builder(**{**beside, argument: other}))
        assert before != after, f"{argument}={other!r} changes nothing in {subject.name}"
