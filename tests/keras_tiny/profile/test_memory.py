"""The timeline of live tensors agrees with a sum by hand and with TensorFlow Lite Micro's own plan."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny.profile.memory import activation_memory
from mcu.errors import ModelFileError
from mcu.tflm import measure_arena
from tests.support import require
from tests.tflite_networks import residual_network, segmenter
from tests.tflite_writer import Graph


def test_a_skip_connection_stays_alive_until_it_is_joined():
    moments = {moment.layer: moment for moment in activation_memory(segmenter()).timeline}
    assert dict(moments["down"].live) == {"image": 128, "down": 256}
    assert dict(moments["pooled"].live) == {"down": 256, "pooled": 64}
    assert dict(moments["up"].live) == {"down": 256, "pooled": 64, "up": 256}
    assert dict(moments["skip"].live) == {"skip": 512, "down": 256, "up": 256}
    assert dict(moments["mask"].live) == {"logits": 64, "mask": 64}


def test_the_peak_names_its_operator_and_its_tensors_largest_first():
    memory = activation_memory(segmenter())
    assert memory.peak_activation_bytes == 1024
    assert memory.peak_operator == "CONCATENATION 'skip'"
    assert [size for _, size in memory.peak.live] == [512, 256, 256]


def test_a_transposed_convolution_has_four_bytes_of_scratch_for_each_output():
    scratch = {moment.layer: moment.scratch_bytes for moment in activation_memory(segmenter()).timeline}
    assert scratch == {"down": 0, "pooled": 0, "up": 4 * 256, "skip": 0, "logits": 0, "mask": 0}


@pytest.mark.parametrize("network", [residual_network, segmenter])
def test_the_interpreters_head_is_the_largest_sum_of_live_tensors_and_scratch(network):
    require("module:tflite_micro")
    timeline = activation_memory(network()).timeline
    needed = max(moment.live_bytes + moment.scratch_bytes for moment in timeline)
    # Sizes are rounded up to 16 bytes each, and a greedy plan may leave gaps.
    assert needed <= measure_arena(network()).head_bytes <= needed + 16 * 6


def test_an_output_that_is_ready_early_stays_until_the_end():
    graph = Graph()
    x = graph.input("x", (1, 100))
    early = graph.add("RELU", (x,), "early", (1, 100))
    late = graph.add("RELU", (early,), "late", (1, 100))
    last = graph.add("RELU", (late,), "last", (1, 100))
    memory = activation_memory(graph.build(outputs=(early, last)))
    assert dict(memory.timeline[-1].live) == {"early": 100, "late": 100, "last": 100}


def test_an_input_that_is_read_late_is_there_from_the_start():
    graph = Graph()
    x, y = graph.input("x", (1, 100)), graph.input("y", (1, 50))
    a = graph.add("RELU", (x,), "a", (1, 100))
    b = graph.add("CONCATENATION", (a, y), "b", (1, 150), options={"axis": 1})
    first = activation_memory(graph.build(outputs=(b,))).timeline[0]
    assert first.live_bytes == 250


def test_constants_take_no_activation_memory():
    graph = Graph()
    x = graph.input("x", (1, 4))
    c = graph.constant("c", np.ones((1, 4), np.int8), scales=(1.0,), zero_points=(0,))
    y = graph.add("ADD", (x, c), "y", (1, 4))
    assert activation_memory(graph.build(outputs=(y,))).peak_activation_bytes == 8


def test_a_model_without_operators_is_refused():
    graph = Graph()
    x = graph.input("x", (1, 4))
    with pytest.raises(ModelFileError, match="no operators"):
        activation_memory(graph.build(outputs=(x,)))
