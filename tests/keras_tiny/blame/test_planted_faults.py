"""A fault planted in one layer is named first, on networks that are otherwise as good as 8 bits allow."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny.blame import Blame, blame
from keras_tiny.errors import BadInput
from mcu.tflite import read_model
from tests.keras_tiny.blame.planting import PLANTS, candidates, planted
from tests.keras_tiny.blame.twins import NETWORKS, Twins, twins_of
from tests.support import require

CASES = [
    (network, plant, operator.index)
    for network in NETWORKS
    for plant in PLANTS
    for operator in candidates(read_model(twins_of(network).int8), PLANTS[plant])
]
SAID = {
    "corrupted_weights": "weights are not the float model's",
    "wrong_weight_scale": "weights are not the float model's",
    "clipped_bias": "bias of",
    "range_too_small": "are clipped",
    "range_too_wide": "is too wide",
}


def found_in(twins: Twins, int8: bytes) -> Blame:
    require("module:tflite_micro")
    return blame(int8, twins.images, float_bytes=twins.float32)


@pytest.mark.parametrize(("network", "plant", "index"), CASES)
def test_the_planted_layer_is_named_first_with_its_cause(network: str, plant: str, index: int):
    twins = twins_of(network)
    worst = found_in(twins, planted(twins.int8, PLANTS[plant], index)).layers[0]
    assert worst.index == index
    assert SAID[plant] in worst.suggestion


@pytest.mark.parametrize("network", NETWORKS)
def test_a_sound_network_has_no_fault(network: str):
    twins = twins_of(network)
    found = found_in(twins, twins.int8)
    assert not any(layer.is_fault for layer in found.layers)
    assert found.layers[0].sqnr_db > 25
    assert found.not_compared == ()
    assert len(found.layers) == len(read_model(twins.int8).operators)


@pytest.mark.parametrize("network", NETWORKS)
def test_what_comes_behind_a_fault_is_off_in_total_only(network: str):
    twins = twins_of(network)
    first = read_model(twins.int8).operators[0].index
    found = found_in(twins, planted(twins.int8, PLANTS["corrupted_weights"], first))
    behind = [layer for layer in found.layers if layer.index != first]
    assert all(layer.sqnr_db > layer.total_sqnr_db + 6 for layer in behind)


def test_without_the_float_model_a_wrong_range_is_seen_and_a_wrong_weight_is_not():
    require("module:tflite_micro")
    twins = twins_of("residual_network")
    clipped = blame(planted(twins.int8, PLANTS["range_too_small"], 0), twins.images)
    assert (clipped.layers[0].index, clipped.float_weights) == (0, False)
    corrupted = blame(planted(twins.int8, PLANTS["corrupted_weights"], 0), twins.images)
    assert not any(layer.is_fault for layer in corrupted.layers)


def test_weights_of_one_scale_whose_channels_differ_are_told_to_have_their_own():
    require("module:tflite_micro")
    twins = twins_of("uneven_dense")
    (layer,) = found_in(twins, twins.int8).layers
    assert "One scale for the weights of 4 channels that differ by 4" in layer.suggestion


def test_a_range_that_a_concatenation_sets_is_not_blamed_on_calibration():
    require("module:tflite_micro")
    twins = twins_of("joined")
    worst = found_in(twins, twins.int8).layers[0]
    assert worst.layer == "small"
    assert "that of 2 tensors that CONCATENATION 'both' joins" in worst.suggestion


def test_a_float_file_of_another_network_is_refused():
    with pytest.raises(BadInput, match="not of this network"):
        blame(
            twins_of("residual_network").int8,
            twins_of("residual_network").images,
            float_bytes=twins_of("uneven_dense").float32,
        )


def test_an_int8_file_is_no_float_twin():
    twins = twins_of("residual_network")
    with pytest.raises(BadInput, match="no float file"):
        blame(twins.int8, twins.images, float_bytes=twins.int8)


def test_pictures_of_another_shape_are_refused():
    twins = twins_of("residual_network")
    with pytest.raises(BadInput, match="takes int8 pictures"):
        blame(twins.int8, np.zeros((1, 4, 4, 3), np.int8), float_bytes=twins.float32)
