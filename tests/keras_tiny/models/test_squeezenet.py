"""SqueezeNet 1.1: unpadded stem and pools, fire modules that put the 1×1 half first, optional BatchNorm."""

from __future__ import annotations

import pytest

from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras
from keras_tiny.models.squeezenet import squeezenet, squeezenet_features


def test_maps_at_256_are_those_of_the_table() -> None:
    backbone = squeezenet_features((256, 256, 3))
    assert [tuple(f.shape[1:]) for f in backbone.outputs] == [
        (127, 127, 64),
        (63, 63, 128),
        (31, 31, 256),
        (15, 15, 512),
    ]


def test_the_smallest_input_leaves_one_pixel() -> None:
    assert tuple(squeezenet_features((31, 31, 1), width=0.25).outputs[-1].shape[1:]) == (1, 1, 128)
    with pytest.raises(BadInput, match="height is 30, this model needs at least 31"):
        squeezenet_features((30, 31, 1))


def test_batch_norm_takes_the_place_of_every_bias_but_the_last() -> None:
    model = squeezenet((48, 48, 3), num_classes=3, width=0.25, batch_norm=True)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert [layer.name for layer in convolutions if layer.use_bias] == ["logits_conv"]
    assert len(norms) == len(convolutions) - 1
    assert all(isinstance(norm.input._keras_history.layer, keras.layers.Conv2D) for norm in norms)


def test_the_papers_last_relu_is_an_option() -> None:
    without, with_relu = (
        squeezenet((31, 31, 3), num_classes=3, width=0.25, head_activation=flag) for flag in (False, True)
    )
    assert isinstance(without.get_layer("logits").input._keras_history.layer, keras.layers.Conv2D)
    assert isinstance(with_relu.get_layer("logits").input._keras_history.layer, keras.layers.ReLU)
