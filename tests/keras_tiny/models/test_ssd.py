"""Detectors: shapes and anchors at every size, gradients, saving, and arguments that say what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_tiny import models
from keras_tiny.boxes import anchor_spec
from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras, tf
from keras_tiny.models.ssd import anchors_of
from tests.keras_tiny.models.reference import cached_build, images

SHAPE = (32, 32, 3)
SMALL: dict[str, dict[str, Any]] = {
    "etinynet": {"width": 0.25},
    "mobilenet_v2": {"backbone": "mobilenet_v2", "width": 0.1},
    "squeezenet": {"backbone": "squeezenet", "width": 0.25},
}
# Values that are neither the default nor the same for another backbone.
OTHER: dict[str, Any] = {
    "num_classes": 5,
    "width": 0.6,
    "rounding": "floor",
    "min_sizes": (0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    "max_sizes": (1.0,) * 6,
    "aspect_ratios": ((2, 3),) * 6,
    "bn_momentum": 0.5,
}
OWN: dict[str, tuple[str, Any]] = {
    "etinynet": ("shortcut", "identity"),
    "mobilenet_v2": ("tail", True),
    "squeezenet": ("batch_norm", True),
}


def small(backbone: str, head: str = "ssdlite", shape: tuple[int, int, int] = SHAPE) -> keras.Model:
    return cached_build(head, input_shape=shape, num_classes=3, **SMALL[backbone])


@pytest.mark.parametrize("side", [96, *(pytest.param(n, marks=pytest.mark.slow) for n in (160, 192, 256))])
def test_any_size_that_the_strides_allow_gives_six_maps_and_their_anchors(side: int):
    model = cached_build("ssdlite", input_shape=(side, side, 3), num_classes=3, width=0.25)
    anchors = anchors_of(model)
    cells = [-(-side // stride) for stride in (8, 16, 32, 64, 128, 256)]
    assert [(part.height, part.width) for part in anchors.maps] == [(n, n) for n in cells]
    assert [tuple(output.shape) for output in model.outputs] == [
        (None, anchors.count, 3),
        (None, anchors.count, 4),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("backbone", "count"), [("etinynet", 6132), ("mobilenet_v2", 6132), ("squeezenet", 5694)]
)
def test_at_256_the_numbers_of_anchors_are_the_published_ones(backbone: str, count: int):
    model = models.ssdlite((256, 256, 3), num_classes=2, **SMALL[backbone])
    assert anchors_of(model).count == count


@pytest.mark.slow
def test_an_input_that_is_not_square_has_anchors_for_its_own_cells():
    anchors = anchors_of(cached_build("ssdlite", input_shape=(96, 160, 3), num_classes=2, width=0.25))
    assert anchors == anchor_spec([(12, 20), (6, 10), (3, 5), (2, 3), (1, 2), (1, 1)])


@pytest.mark.slow  # test_contract.py asks it of EtinyNet's every time
@pytest.mark.parametrize(
    ("head", "backbone"), [("ssdlite", "mobilenet_v2"), ("ssdlite", "squeezenet"), ("ssd", "squeezenet")]
)
def test_every_weight_gets_a_finite_gradient_that_is_not_all_zero(head: str, backbone: str):
    model = small(backbone, head)
    seen = {weight.name: 0.0 for weight in model.trainable_weights}
    for seed in range(2):
        with tf.GradientTape() as tape:
            outputs = model(images(SHAPE, seed=seed), training=True)
            rng = np.random.default_rng(seed)
            loss = sum(tf.reduce_mean(y * rng.normal(size=y.shape).astype(np.float32)) for y in outputs)
        gradients = tape.gradient(loss, model.trainable_weights)
        for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
            assert gradient is not None, f"{weight.name} is not connected to the outputs"
            assert np.isfinite(gradient.numpy()).all(), weight.name
            seen[weight.name] += float(np.abs(gradient.numpy()).sum())
    assert not [name for name, total in seen.items() if total == 0.0 and "bias" not in name]


@pytest.mark.slow
@pytest.mark.parametrize("backbone", SMALL)
def test_a_detector_that_was_saved_still_knows_its_anchors(backbone: str, tmp_path: Path):
    model = small(backbone)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert anchors_of(loaded) == anchors_of(model)
    for ours, theirs in zip(model(images(SHAPE)), loaded(images(SHAPE)), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_rows_of_the_outputs_are_in_the_order_of_the_anchors():
    """A cell that is lit moves the outputs of its own anchors: those of map 1 are the first, row by row."""
    model = small("etinynet")
    point = next(layer for layer in model.layers if layer.name == "map_1_class_point_conv")
    probe = keras.Model(model.input, [point.output, model.outputs[0]])
    cells, rows = (part.numpy() for part in probe(images(SHAPE, count=1)))
    height, width, channels = cells.shape[1:]
    assert (height, width, channels) == (4, 4, 4 * 3)
    np.testing.assert_array_equal(rows[0, : height * width * 4], cells.reshape(-1, 3))


@pytest.mark.slow
def test_features_are_the_six_maps_from_fine_to_coarse():
    maps = models.ssdlite_features((64, 64, 3), width=0.25).outputs
    assert [tuple(part.shape[1:3]) for part in maps] == [(8, 8), (4, 4), (2, 2), (1, 1), (1, 1), (1, 1)]


@pytest.mark.slow
@pytest.mark.parametrize("head", ["ssd", "ssdlite"])
@pytest.mark.parametrize("backbone", SMALL)
def test_every_argument_changes_the_graph(head: str, backbone: str):
    base = {"input_shape": SHAPE, "num_classes": 2, **SMALL[backbone], "width": 0.35}
    before = models.build(head, **base).to_json()
    own, value = OWN[backbone]
    for argument, other in {**OTHER, own: value}.items():
        if (argument, backbone) == ("bn_momentum", "squeezenet"):
            continue  # it has no BatchNorm
        assert models.build(head, **{**base, argument: other}).to_json() != before, argument


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "Background is class 0"),
        ({"backbone": "etinet"}, 'Did you mean "etinynet"'),
        ({"tail": True}, "argument of the backbone mobilenet_v2"),
        ({"backbone": "mobilenet_v2", "shortcut": "identity"}, "argument of the backbone etinynet"),
        ({"min_sizes": (0.1, 0.2)}, "min_sizes must be 6 entries"),
        ({"min_sizes": (26, 67, 108, 149, 190, 231)}, "26/256 = 0.1"),
        ({"aspect_ratios": ((2,), (2,), (2,), (2,), (2,), (-1,))}, "aspect ratio must be positive"),
        ({"input_shape": (16, 16, 3)}, "needs at least 32"),
    ],
)
def test_an_argument_that_cannot_be_used_is_answered_with_what_to_try(
    arguments: dict[str, Any], message: str
):
    with pytest.raises(BadInput, match=message):
        models.ssdlite(**{"input_shape": SHAPE, "num_classes": 2, "width": 0.25, **arguments})


def test_another_model_has_no_anchors_and_says_so():
    image = keras.Input(SHAPE)
    with pytest.raises(BadInput, match="it is no detector"):
        anchors_of(keras.Model(image, keras.layers.Flatten()(image)))
