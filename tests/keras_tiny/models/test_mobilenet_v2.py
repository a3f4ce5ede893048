"""MobileNetV2 is the network of keras.applications, and its taps and options are what the docstring says."""

from __future__ import annotations

import pytest

from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras
from keras_tiny.models.mobilenet_v2 import mobilenet_v2, mobilenet_v2_features
from tests.keras_tiny.models.reference import (
    assert_same_logits,
    cached_build,
    copy_weights,
    images,
    randomise,
)


@pytest.mark.parametrize(
    ("width", "side"),
    [
        (0.35, 96),
        (0.35, 97),
        (0.35, 160),
        (0.5, 97),
        pytest.param(0.5, 96, marks=pytest.mark.slow),
        pytest.param(0.5, 160, marks=pytest.mark.slow),
    ],
)
def test_logits_equal_keras_applications_with_its_weights(width: float, side: int) -> None:
    """keras.applications pads stride-2 depthwise convolutions by hand (`correct_pad`), we use `same`.

    For a 3×3 kernel at stride 2 both pad (0, 1) on an even side and (1, 1) on an odd one, so no size is an exception.
    """
    shape = (side, side, 3)
    reference = keras.applications.MobileNetV2(
        input_shape=shape, alpha=width, weights=None, classes=10, classifier_activation=None
    )
    x = images(shape)
    randomise(reference, x, seed=side)
    ours = mobilenet_v2(shape, num_classes=10, width=width)
    copy_weights(reference, ours)
    assert_same_logits(ours, reference, x)


def test_features_are_the_last_tensor_of_each_stride() -> None:
    model = mobilenet_v2((96, 96, 3), num_classes=10, width=0.35, return_features=True)
    logits, features = model(images((96, 96, 3)))
    assert logits.shape == (4, 10)
    assert [tuple(f.shape[1:]) for f in features] == [
        (48, 48, 8),
        (24, 24, 8),
        (12, 12, 16),
        (6, 6, 32),
        (3, 3, 1280),
    ]


def test_ssd_taps_are_two_expansions_and_the_last_block() -> None:
    backbone = mobilenet_v2_features((256, 256, 3), width=0.35, taps="ssd", tail=False)
    assert [tuple(f.shape[1:]) for f in backbone.outputs] == [(32, 32, 96), (16, 16, 192), (8, 8, 112)]


def test_floor_rounding_gives_the_odd_channels_of_the_published_row() -> None:
    model = mobilenet_v2_features((64, 64, 3), width=0.35, rounding="floor")
    channels = [model.get_layer(f"block_{i}_project_conv").filters for i in (0, 1, 3, 6, 10, 13, 16)]
    assert channels == [5, 8, 11, 22, 33, 56, 112]
    assert model.get_layer("stem_conv").filters == 11
    assert model.get_layer("tail_conv").filters == 1280


def test_the_registry_builds_it_by_name() -> None:
    model = cached_build("mobilenet_v2", input_shape=(32, 32, 3), num_classes=2, width=0.1)
    assert model.name == "mobilenet_v2"
    assert model.output_shape == (None, 2)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"input_shape": (31, 96, 3)}, "height is 31, this model needs at least 32"),
        ({"input_shape": (96, 96)}, "(height, width, channels)"),
        ({"input_shape": (None, None, 3)}, "(height, width, channels)"),
        ({"num_classes": 0}, "num_classes must be a whole number of at least 1, received 0"),
        ({"width": 0}, "width must be a positive number"),
        ({"width": -0.35}, "width must be a positive number"),
        ({"width": 0.05, "rounding": "floor"}, "leaves no channel of 16"),
        ({"rounding": "flor"}, 'Did you mean "floor"?'),
        ({"activation": "relu7"}, '"relu6"'),
        ({"output_activation": "softmax"}, '"logits", "auto"'),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1"),
        ({"bn_momentum": 1.5}, "bn_momentum must be at least 0 and below 1"),
    ],
)
def test_bad_arguments_are_answered_with_one_clear_error(arguments: dict, says: str) -> None:
    with pytest.raises(BadInput) as error:
        mobilenet_v2(**{"num_classes": 10, **arguments})
    assert says in str(error.value)
