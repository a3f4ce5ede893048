"""TensorFlow Lite Micro on this computer: right answers on good input, one clear error on bad."""

from __future__ import annotations

import numpy as np
import pytest

from mcu.errors import BadInput, ModelFileError
from mcu.tflite import read_model
from mcu.tflm import ArenaUsage, TflmInterpreter, measure_arena
from tests.support import require
from tests.tflite_networks import residual_network
from tests.tflite_writer import Graph


@pytest.fixture(autouse=True)
def _wheel() -> None:
    require("module:tflite_micro")


def _relu_model(shape: tuple[int, ...] = (1, 4)) -> bytes:
    graph = Graph()
    x = graph.input("x", shape, scale=0.1, zero_point=3)
    return graph.build(outputs=(graph.add("RELU", (x,), "y", shape, scale=0.1, zero_point=3),))


def test_a_relu_clamps_at_its_zero_point():
    (answer,) = TflmInterpreter(_relu_model()).invoke([np.array([[-128, 2, 3, 127]], np.int8)])
    assert answer.dtype == np.int8
    assert answer.tolist() == [[3, 3, 3, 127]]


def test_inputs_and_outputs_are_described_as_in_the_file():
    interpreter = TflmInterpreter(residual_network(classes=10))
    (image,), (scores,) = interpreter.inputs, interpreter.outputs
    assert (image.name, image.shape, image.dtype, image.zero_point) == ("image", (1, 8, 8, 3), "int8", -1)
    assert image.scale == pytest.approx(1 / 127, rel=1e-6)
    assert (scores.name, scores.shape, scores.scale, scores.zero_point) == ("scores", (1, 10), 1 / 256, -128)


def test_answers_depend_on_the_input_and_repeat():
    interpreter = TflmInterpreter(residual_network())
    images = np.random.default_rng(0).integers(-128, 128, (5, 1, 8, 8, 3), np.int8)
    first = [interpreter.invoke([image])[0].tobytes() for image in images]
    again = [interpreter.invoke([image])[0].tobytes() for image in reversed(images)]
    assert first == again[::-1]
    assert len(set(first)) == 5


def test_an_answer_stays_when_the_next_one_is_computed():
    interpreter = TflmInterpreter(_relu_model())
    (first,) = interpreter.invoke([np.full((1, 4), 50, np.int8)])
    interpreter.invoke([np.full((1, 4), 90, np.int8)])
    assert first.tolist() == [[50, 50, 50, 50]]


def test_an_input_that_is_not_contiguous_is_read_in_its_own_order():
    wide = np.arange(8, dtype=np.int8).reshape(1, 8)
    (answer,) = TflmInterpreter(_relu_model()).invoke([wide[:, ::2] + np.int8(10)])
    assert answer.tolist() == [[10, 12, 14, 16]]


@pytest.mark.parametrize(
    "inputs",
    [
        [],
        [np.zeros((1, 4), np.int8)] * 2,
        [np.zeros((1, 4), np.uint8)],
        [np.zeros((1, 4), np.float32)],
        [np.zeros(4, np.int8)],
        [np.zeros((1, 5), np.int8)],
        [[[0, 0, 0, 0]]],
    ],
)
def test_input_of_another_count_type_or_shape_is_refused(inputs):
    with pytest.raises(BadInput, match="takes"):
        TflmInterpreter(_relu_model()).invoke(inputs)


@pytest.mark.parametrize("junk", [b"", b"TFL3", b"\0" * 4096, b"\x1c\0\0\0TFL3" + b"\xff" * 4096])
def test_junk_is_refused_before_the_interpreter_sees_it(junk):
    with pytest.raises(ModelFileError, match=r"not a .*\.tflite file"):
        TflmInterpreter(junk)


def test_an_operator_that_the_interpreter_lacks_is_named():
    graph = Graph()
    x = graph.input("x", (1, 4))
    y = graph.add("GELU", (x,), "y", (1, 4))
    with pytest.raises(ModelFileError, match="GELU"):
        TflmInterpreter(graph.build(outputs=(y,)))


def test_a_model_beyond_any_memory_is_refused():
    with pytest.raises(ModelFileError, match="far beyond any microcontroller"):
        TflmInterpreter(_relu_model((1, 1 << 30)))


@pytest.mark.parametrize("network", [residual_network, _relu_model])
def test_a_model_runs_in_exactly_the_measured_arena_and_in_none_smaller(network):
    model_bytes = network()
    usage = measure_arena(model_bytes)
    assert usage.total_bytes % 16 == 0
    assert usage.total_bytes >= usage.head_bytes + usage.tail_bytes
    TflmInterpreter(model_bytes, arena_bytes=usage.total_bytes)
    for arena_bytes in (16, usage.total_bytes - 16):
        with pytest.raises(BadInput, match=f"needs {usage.total_bytes} bytes"):
            TflmInterpreter(model_bytes, arena_bytes=arena_bytes)


def test_the_head_holds_the_largest_pair_of_live_tensors():
    # 1000 and 1000 bytes, each rounded up to the alignment of 16.
    assert measure_arena(_relu_model((1, 1000))).head_bytes == 2 * 1008


def test_kept_tensors_are_those_of_the_last_inference():
    model = read_model(residual_network())
    interpreter = TflmInterpreter(residual_network(), keep_tensors=True)
    for value in (-50, 60):
        image = np.full((1, 8, 8, 3), value, np.int8)
        (scores,) = interpreter.invoke([image])
        assert (interpreter.tensor(model.inputs[0]) == image).all()
        assert (interpreter.tensor(model.outputs[0]) == scores).all()


def test_the_parts_of_the_tail_count_tensors_and_operators():
    counts = {name: count for name, _, count in measure_arena(residual_network()).parts}
    assert counts["TfLiteEvalTensor data"] == 17
    assert counts["NodeAndRegistration struct"] == 7


def test_measuring_prints_nothing(capfd):
    measure_arena(_relu_model())
    assert capfd.readouterr() == ("", "")


def test_the_32_bit_estimate_is_a_little_above_what_a_cortex_m4_was_measured_to_need():
    # MobileNetV2 0.35 at 96x96x3 with 10 classes: 210,192 B on x86-64, 204,612 B on a Cortex-M4 with reference kernels
    # and 204,660 B with CMSIS-NN's; the head is 138,240 B on all.
    parts = (
        ("TfLiteEvalTensor data", 4152, 173),
        ("Persistent TfLiteTensor data", 128, 2),
        ("Persistent TfLiteTensor quantization data", 64, 4),
        ("Persistent buffer data", 61452, 173),
        ("NodeAndRegistration struct", 4160, 65),
    )
    estimate = ArenaUsage(210_192, 138_240, 210_192 - 138_240, parts).total_bytes_32bit
    assert estimate % 16 == 0
    assert 204_660 <= estimate <= 1.01 * 204_612
