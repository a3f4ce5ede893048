"""Multiply-accumulates counted by hand equal those counted from the file."""

from __future__ import annotations

import pytest

from keras_tiny.profile.macs import macs, total_macs
from mcu.errors import ModelFileError
from tests.tflite_networks import residual_network, segmenter


def test_each_operator_of_a_residual_network_is_counted():
    counted = {each.layer: each.macs for each in macs(residual_network(classes=10))}
    assert counted == {
        "stem": 4 * 4 * 8 * 3 * 3 * 3,
        "depthwise": 4 * 4 * 8 * 3 * 3,
        "project": 4 * 4 * 8 * 8,
        "add": 0,
        "mean": 0,
        "logits": 8 * 10,
        "scores": 0,
    }


def test_a_transposed_convolution_counts_from_its_input():
    counted = {each.layer: each.macs for each in macs(segmenter())}
    assert counted["up"] == 4 * 4 * 4 * 4 * 2 * 2
    assert counted["skip"] == counted["pooled"] == counted["mask"] == 0
    assert total_macs(segmenter()) == sum(counted.values())


def test_junk_is_refused():
    with pytest.raises(ModelFileError):
        total_macs(b"junk")
