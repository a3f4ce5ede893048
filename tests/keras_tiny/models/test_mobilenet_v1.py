"""MobileNetV1 is the network of keras.applications; width and resolution act as the paper says."""

from __future__ import annotations

import pytest

from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras
from keras_tiny.models.mobilenet_v1 import mobilenet_v1, mobilenet_v1_features
from keras_tiny.profile.keras_macs import count_macs, count_params
from tests.keras_tiny.models.reference import assert_same_logits, copy_weights, images, randomise


@pytest.mark.parametrize("width", [0.25, 0.5])
@pytest.mark.parametrize("side", [64, 96])
def test_logits_equal_keras_applications_with_its_weights(width: float, side: int) -> None:
    shape = (side, side, 3)
    reference = keras.applications.MobileNet(
        input_shape=shape, alpha=width, weights=None, classes=10, classifier_activation=None
    )
    x = images(shape)
    randomise(reference, x, seed=side)
    ours = mobilenet_v1(shape, num_classes=10, width=width)
    copy_weights(reference, ours)
    assert_same_logits(ours, reference, x)


def test_an_odd_map_keeps_its_last_row_where_keras_applications_drops_it() -> None:
    """Why 97 is not among the sides above: keras.applications.MobileNet pads (0, 1) whether or not the map is odd.

    Our `same` pads an odd map on both sides, so 97 → 49 → 25, not 24. On even maps the two are one.
    """
    reference = keras.applications.MobileNet(
        input_shape=(97, 97, 3), alpha=0.25, weights=None, include_top=False
    )
    assert reference.get_layer("conv_dw_2").output_shape == (None, 24, 24, 16)
    assert mobilenet_v1_features((97, 97, 3), width=0.25).get_layer("block_2_depthwise").output_shape == (
        None,
        25,
        25,
        16,
    )


def test_resolution_changes_macs_and_not_parameters() -> None:
    small, large = (mobilenet_v1((side, side, 3), num_classes=10, width=0.25) for side in (64, 128))
    assert count_params(small) == count_params(large)
    head = 256 * 10
    assert count_macs(large) - head == 4 * (count_macs(small) - head)


def test_features_are_the_last_tensor_of_each_stride() -> None:
    backbone = mobilenet_v1_features((96, 128, 3), width=0.25)
    assert [tuple(f.shape[1:]) for f in backbone.outputs] == [
        (48, 64, 16),
        (24, 32, 32),
        (12, 16, 64),
        (6, 8, 128),
        (3, 4, 256),
    ]


def test_floor_rounding_below_one_channel_is_refused() -> None:
    with pytest.raises(BadInput, match=r"width=0\.02 leaves no channel of 32"):
        mobilenet_v1(num_classes=2, width=0.02, rounding="floor")
