"""The compiler's plan, its figures, its C, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mcu.compiler import SUPPORTED_OPERATORS, UnsupportedModel, compile_model, emit
from mcu.compiler.place import Buffer, arena_is_sound, place
from mcu.compiler.rows import row_order
from mcu.errors import BadInput
from mcu.tflite import read_model
from tests.mcu.compiler import mutants
from tests.mcu.compiler.host_run import assert_equals_tflm, random_samples, run_on_host
from tests.mcu.compiler.networks import mobilenet_v2
from tests.support import require
from tests.tflite_networks import residual_network, segmenter
from tests.tflite_writer import Graph

TFLM_HEAD_BYTES = 138_240  # activations of MobileNetV2 0.35 at 96x96x3 in TensorFlow Lite Micro's arena


@pytest.mark.parametrize("network", [residual_network, segmenter])
def test_networks_give_the_bytes_of_tensorflow_lite_micro(network: Callable[[], bytes]) -> None:
    require("module:tflite_micro")
    assert_equals_tflm(network(), samples=6)


def test_mobilenet_v2_gives_the_bytes_of_tensorflow_lite_micro_in_a_third_of_its_memory() -> None:
    require("module:tflite_micro")
    compiled = assert_equals_tflm(mobilenet_v2(), samples=4)
    assert compiled.arena_bytes < TFLM_HEAD_BYTES / 3


def test_mobilenet_v2_fits_64000_bytes_with_the_fast_kernels() -> None:
    assert compile_model(mobilenet_v2(), kernels="dsp").arena_bytes <= 64_000


def test_streaming_an_inverted_residual_takes_less_memory_than_its_widened_tensor() -> None:
    compiled = compile_model(mobilenet_v2())
    widened = max(
        tensor.out_height * tensor.out_row_bytes for group in compiled.schedule.groups for tensor in group
    )
    assert widened == 48 * 48 * 48
    assert compiled.arena_bytes < widened


@pytest.mark.parametrize("kernels", ["portable", "dsp"])
def test_no_two_living_buffers_share_bytes_unless_rows_are_read_first(kernels: str) -> None:
    schedule = compile_model(mobilenet_v2(), kernels=kernels).schedule  # type: ignore[arg-type]
    assert arena_is_sound(schedule.buffers, schedule.placement, schedule.overlaps)


@pytest.mark.parametrize("kernels", ["portable", "dsp"])
@pytest.mark.parametrize("network", [mobilenet_v2, residual_network, segmenter])
def test_no_row_is_overwritten_before_it_is_read(network: Callable[[], bytes], kernels: str) -> None:
    """Replays every step with the addresses of the plan: what is written is not read from elsewhere any more."""
    model = read_model(network())
    schedule = compile_model(network(), kernels=kernels).schedule  # type: ignore[arg-type]
    root = {name: base for base, names in schedule.members.items() for name in names}
    at = schedule.placement.offsets
    size = {tensor.index: tensor.nbytes for tensor in model.tensors}
    for group in schedule.groups:
        order = list(row_order(group))
        outputs = at["tensor", root[group[-1].target]]
        later: list[tuple[int, int]] = []  # bytes of whole tensors that are read from this moment on
        for index, row in reversed(order):
            stage = group[index]
            if index == len(group) - 1:
                start = outputs + row * stage.out_row_bytes
                assert not any(start < end and begin < start + stage.out_row_bytes for begin, end in later)
            if index == 0 and stage.source >= 0:
                base = at["tensor", root[stage.source]]
                first, last = stage.first_row(row), stage.last_row(row)
                later.append((base + first * stage.in_row_bytes, base + (last + 1) * stage.in_row_bytes))
            if isinstance(stage.second, int):
                base = at["tensor", root[stage.second]]
                whole = size[stage.second] if not stage.in_place else stage.out_row_bytes
                later.append((base + row * stage.out_row_bytes, base + row * stage.out_row_bytes + whole))
            for tensor in stage.reads:
                later.append((at["tensor", root[tensor]], at["tensor", root[tensor]] + size[tensor]))
            if index == len(group) - 1 and not stage.in_place:
                # Pixels of a row are written while others of the same row are still read.
                assert not any(start < end and begin < start + stage.out_row_bytes for begin, end in later)


def test_placing_is_the_same_every_time() -> None:
    rng = np.random.default_rng(3)
    buffers = [
        Buffer(
            index,
            int(rng.integers(1, 5000)),
            first := int(rng.integers(0, 30)),
            first + int(rng.integers(0, 9)),
        )
        for index in range(40)
    ]
    placements = [place(buffers, {}, enough=0) for _ in range(2)]
    assert placements[0] == placements[1]
    assert arena_is_sound(buffers, placements[0], {})


def test_the_same_model_compiles_to_the_same_text() -> None:
    assert compile_model(residual_network()).files == compile_model(residual_network()).files


def test_only_the_kernels_that_the_model_uses_are_emitted(tmp_path) -> None:
    compiled = compile_model(residual_network(), name="tiny")
    folder = emit(compiled, tmp_path / "out")
    listed = (folder / "sources.txt").read_text().split()
    assert listed == sorted(path.name for path in folder.glob("*.c"))
    assert "kt_tiny.c" in listed
    assert "kt_conv.c" in listed
    assert "kt_transpose_conv.c" not in listed
    assert "malloc" not in "".join(compiled.files.values())
    assert "<math.h>" not in "".join(compiled.files.values())


def test_the_header_names_shapes_scales_and_sizes() -> None:
    compiled = compile_model(residual_network(), name="tiny")
    header = compiled.files["kt_tiny.h"]
    assert f"#define KT_TINY_ARENA_BYTES {compiled.arena_bytes}" in header
    assert f"int8 {compiled.inputs[0].shape}" in header
    assert "int kt_tiny_invoke(int8_t *arena, const kt_profile *profile);" in header


def test_a_name_in_the_file_cannot_leave_its_comment() -> None:
    graph = Graph()
    x = graph.input("x */ int evil; /*", (1, 4))
    compiled = compile_model(graph.build(outputs=[graph.add("RELU", (x,), "y */ #error \n \\", (1, 4))]))
    assert [out.tolist() for out in run_on_host(compiled, [[np.array([[-3, 0, 5, 127]], np.int8)]])[0]] == [
        [[0, 0, 5, 127]]
    ]


def test_an_unsupported_operator_is_named_with_its_layer() -> None:
    graph = Graph()
    x = graph.input("x", (1, 4))
    model_bytes = graph.build(outputs=[graph.add("TANH", (x,), "head/tanh", (1, 4))])
    with pytest.raises(UnsupportedModel, match=r"Operator 0 TANH \(layer 'head/tanh'\) is not supported"):
        compile_model(model_bytes)
    assert "TANH" not in SUPPORTED_OPERATORS


def test_a_float_tensor_is_named_with_its_layer() -> None:
    graph = Graph()
    x = graph.input("x", (1, 4))
    y = graph.add("DEQUANTIZE", (x,), "y", (1, 4), dtype="float32", scale=None)
    z = graph.add("RELU", (y,), "float_relu", (1, 4), dtype="float32", scale=None)
    with pytest.raises(UnsupportedModel, match="'z' at the model's edge is float32"):
        compile_model(
            graph.build(outputs=[graph.add("RELU", (z,), "z", (1, 4), dtype="float32", scale=None)])
        )
    again = Graph()
    x = again.input("x", (1, 4))
    y = again.add("RELU", (x,), "wide", (1, 4), dtype="int16")
    with pytest.raises(UnsupportedModel, match=r"RELU \(layer 'wide'\) has the output 'wide' of type int16"):
        compile_model(again.build(outputs=[again.add("RELU", (y,), "back", (1, 4))]))


def test_a_batch_of_two_images_is_refused() -> None:
    graph = Graph()
    x = graph.input("x", (2, 4, 4, 1))
    options = {"padding": "SAME", "stride_h": 1, "stride_w": 1, "filter_height": 2, "filter_width": 2}
    model_bytes = graph.build(outputs=[graph.add("MAX_POOL_2D", (x,), "pool", (2, 4, 4, 1), options=options)])
    with pytest.raises(UnsupportedModel, match="batch of 1"):
        compile_model(model_bytes)


def test_a_bias_that_can_overflow_the_accumulator_is_refused_with_its_channel() -> None:
    graph = Graph()
    x = graph.input("x", (1, 8))
    weights = graph.constant("w", np.ones((2, 8), np.int8), scales=(1.0,), zero_points=(0,))
    bias = graph.constant("b", np.array([0, 2**31 - 1], np.int32), scales=(1.0,), zero_points=(0,))
    with pytest.raises(UnsupportedModel, match="overflow its 32-bit accumulator in channel 1"):
        compile_model(graph.build(outputs=[graph.add("FULLY_CONNECTED", (x, weights, bias), "y", (1, 2))]))


def test_a_name_that_is_no_c_identifier_and_unknown_kernels_are_refused() -> None:
    with pytest.raises(BadInput, match="C name"):
        compile_model(residual_network(), name="7 models")
    with pytest.raises(BadInput, match="no kernels 'neon'"):
        compile_model(residual_network(), kernels="neon")  # type: ignore[arg-type]


def test_mutated_files_are_refused_or_compile_to_clean_c() -> None:
    compiled, ran = np.sum([mutants.check_chunk(number) for number in range(3)], axis=0)
    assert 0 < compiled < 3 * mutants.CHUNK
    assert ran > 0


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
def test_a_hundred_thousand_mutated_files_are_refused_or_compile_to_clean_c() -> None:
    for number in range(100_000 // mutants.CHUNK):
        mutants.check_chunk(number)


def test_extreme_inputs_are_part_of_the_comparison() -> None:
    require("module:tflite_micro")
    from mcu.tflm import TflmInterpreter

    samples = random_samples(TflmInterpreter(residual_network()), 3)
    assert samples[0][0].min() == samples[0][0].max() == -128
    assert samples[1][0].min() == samples[1][0].max() == 127


@pytest.mark.parametrize("operator", ["LOGISTIC", "HARD_SWISH", "RELU", "QUANTIZE"])
def test_an_operator_of_single_values_whose_output_is_larger_than_its_input_is_refused(operator: str):
    graph = Graph()
    x = graph.input("x", (1, 8, 8, 1), scale=0.1)
    y = graph.add(operator, (x,), "y", (1, 108, 8, 1), scale=1 / 256, zero_point=-128)
    with pytest.raises(UnsupportedModel, match=r"\(1, 108, 8, 1\) where \(1, 8, 8, 1\) follows"):
        compile_model(graph.build(outputs=(y,)))
