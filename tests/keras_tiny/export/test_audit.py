"""Each rule of the audit, on a file written to break that rule alone; good files pass."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tflite

from keras_tiny.errors import BadInput
from keras_tiny.export.audit import audit
from keras_tiny.export.audit_layers import LAYER_RULES
from keras_tiny.export.audit_rules import FILE_RULES, Graph
from mcu.errors import ExitCode, ModelFileError
from mcu.tflite import read_model
from mcu.tflite.tflm_operators import ADD_METHODS
from tests.mcu.tflite.test_mutations import mutated
from tests.support import require
from tests.tflite_networks import CONV, conv, dense, residual_network, segmenter
from tests.tflite_writer import Graph as Writer

NONE = {"fused_activation_function": "NONE"}
SHAPE = (1, 4, 4, 8)


def _stem(writer: Writer, *, activation: str = "NONE") -> str:
    x = writer.input("image", (1, 4, 4, 3), scale=0.1)
    return conv(
        writer, x, SHAPE, name="stem", channels_in=3, channels_out=8, scale_in=0.1, scale_out=0.1, activation=activation
    )  # fmt: skip


def _per_channel(writer: Writer, name: str, *, values: int = 8) -> str:
    return writer.constant(name, np.arange(1, values + 1, dtype=np.int8), scales=(0.1,), zero_points=(0,))


def _problems(model_bytes: bytes) -> list[tuple[str, str, str]]:
    return [(each.layer, each.operator, each.reason) for each in audit(model_bytes).problems]


@pytest.mark.parametrize("network", [residual_network, segmenter])
def test_a_good_network_passes_and_is_tried_in_the_interpreter(network):
    require("module:tflite_micro")
    report = audit(network())
    assert (report.ok, report.problems, report.float_tensors, report.quantize_ops) == (True, (), (), ())
    assert report.tried
    assert report.to_text().endswith("Passed: int8 from input to output; TensorFlow Lite Micro runs it.")


def test_the_dictionary_has_exactly_the_documented_keys():
    report = audit(residual_network()).to_dict()
    assert list(report) == ["ok", "problems", "float_tensors", "operators", "quantize_ops"]
    assert report["operators"]["CONV_2D"] == 2
    assert json.loads(json.dumps(report)) == report


def test_a_problem_has_exactly_the_documented_keys():
    writer = Writer()
    x = writer.input("model/head/Relu", (1, 4), dtype="float32", scale=None)
    y = writer.add("RELU", (x,), "y", (1, 4), dtype="float32", scale=None)
    first = audit(writer.build(outputs=(y,))).to_dict()["problems"][0]
    assert list(first) == ["layer", "tensor", "operator", "reason"]
    assert (first["layer"], first["tensor"], first["operator"]) == ("head", "model/head/Relu", "RELU")


def test_transposed_convolution_scratch_is_counted_in_a_note():
    (note,) = audit(segmenter()).notes
    assert note == "TRANSPOSE_CONV in layer 'up' takes 1,024 B of the arena for its int32 sums"


def test_float_tensors_are_named():
    writer = Writer()
    x = writer.input("x", (1, 4), dtype="float32", scale=None)
    c = writer.constant("c", np.ones((1, 4), np.float32))
    y = writer.add("ADD", (x, c), "y", (1, 4), dtype="float32", scale=None, options=NONE)
    report = audit(writer.build(outputs=(y,)))
    assert report.float_tensors == ("x", "c", "y")
    reasons = [problem.reason for problem in report.problems]
    assert reasons.count("the tensor is float32") == 2
    assert "the constant is float32" in reasons
    assert "the model's input is float32, not int8" in reasons
    assert "the model's output is float32, not int8" in reasons


def test_a_hybrid_operator_is_named_as_one():
    writer = Writer()
    x = writer.input("x", (1, 4), dtype="float32", scale=None)
    w = writer.constant("w", np.ones((2, 4), np.int8), scales=(0.1,), zero_points=(0,))
    y = writer.add("FULLY_CONNECTED", (x, w, None), "y", (1, 2), dtype="float32", scale=None, options=NONE)
    problems = _problems(writer.build(outputs=(y,)))
    assert (
        "y",
        "FULLY_CONNECTED",
        "hybrid, int8 weights but float activations: the tensor is float32",
    ) in problems


@pytest.mark.parametrize("dtype", ["uint8", "int16"])
def test_other_integers_than_int8_are_refused_at_the_edges_and_within(dtype):
    writer = Writer()
    x = writer.input("x", (1, 4), dtype=dtype)
    y = writer.add("RELU", (x,), "y", (1, 4), dtype=dtype)
    z = writer.add("RELU", (y,), "z", (1, 4), dtype=dtype)
    assert [(layer, reason) for layer, _, reason in _problems(writer.build(outputs=(z,)))] == [
        ("x", f"the model's input is {dtype}, not int8"),
        ("z", f"the model's output is {dtype}, not int8"),
        ("y", f"the tensor is {dtype}, not int8"),
    ]


def test_an_open_batch_and_a_batch_of_two_are_refused():
    for signature, shape, says in (((-1, 4), (1, 4), "open shape (-1, 4)"), ((), (2, 4), "a batch of 2")):
        writer = Writer()
        x = writer.input("x", shape, shape_signature=signature)
        (problem,) = audit(writer.build(outputs=(writer.add("RELU", (x,), "y", shape),))).problems[:1]
        assert says in problem.reason


@pytest.mark.parametrize("operator", ["SHAPE", "STRIDED_SLICE", "PACK", "TILE"])
def test_shape_arithmetic_is_traced_to_the_dynamic_batch(operator):
    writer = Writer()
    x = writer.input("x", (1, 4))
    y = writer.add(operator, (x,), "y", (1, 4), options={"axis": 0} if operator == "PACK" else {})
    assert any(
        op == operator and "dynamic batch" in why for _, op, why in _problems(writer.build(outputs=(y,)))
    )


@pytest.mark.parametrize(
    ("operator", "says"),
    [
        ("GELU", "not in TensorFlow Lite Micro's MicroMutableOpResolver"),
        ("MY_OWN_THING", "a custom operator, which TensorFlow Lite Micro does not have"),
        ("SPACE_TO_BATCH_ND", "half of a dilated convolution"),
    ],
)
def test_an_operator_that_should_not_be_there_is_named_with_its_layer(operator, says):
    writer = Writer()
    x = writer.input("x", (1, 4))
    y = writer.add(operator, (x,), "model/block_3/Thing", (1, 4))
    z = writer.add("RELU", (y,), "z", (1, 4))
    (problem,) = audit(writer.build(outputs=(z,))).problems
    assert (problem.layer, problem.tensor, problem.operator) == ("block_3", "model/block_3/Thing", operator)
    assert says in problem.reason


def test_a_dequantize_is_a_problem_even_at_the_output():
    writer = Writer()
    x = writer.input("x", (1, 4))
    y = writer.add("DEQUANTIZE", (x,), "y", (1, 4), dtype="float32", scale=None)
    assert any(
        operator == "DEQUANTIZE" and "float" in why
        for _, operator, why in _problems(writer.build(outputs=(y,)))
    )


def _quantized_branches(*, between: tuple[float, int]) -> bytes:
    """Two branches that are joined; the second is brought to `between` (scale, zero point) by a QUANTIZE."""
    writer = Writer()
    x = writer.input("x", (1, 4), scale=0.1)
    a = writer.add("LOGISTIC", (x,), "a", (1, 4), scale=1 / 256, zero_point=-128)
    b = writer.add("RELU", (x,), "b", (1, 4), scale=0.1)
    c = writer.add("QUANTIZE", (b,), "model/join/quantize", (1, 4), scale=between[0], zero_point=between[1])
    options = {"axis": 1, **NONE}
    joined = writer.add(
        "CONCATENATION", (a, c), "joined", (1, 8), scale=1 / 256, zero_point=-128, options=options
    )
    return writer.build(outputs=(joined,))


def test_a_quantize_where_two_ranges_meet_is_named_and_allowed():
    report = audit(_quantized_branches(between=(1 / 256, -128)))
    assert report.ok
    assert report.quantize_ops == ("model/join/quantize",)


def test_a_quantize_between_equal_scales_is_a_problem():
    problems = _problems(_quantized_branches(between=(0.1, 0)))
    assert ("join", "QUANTIZE", "QUANTIZE between equal scales does nothing") in problems


def test_a_quantize_at_the_edges_is_a_problem():
    writer = Writer()
    x = writer.input("x", (1, 4), scale=0.1)
    y = writer.add("QUANTIZE", (x,), "y", (1, 4), scale=0.2)
    z = writer.add("RELU", (y,), "z", (1, 4), scale=0.2)
    w = writer.add("QUANTIZE", (z,), "w", (1, 4), scale=0.3)
    assert [reason.split(";")[0] for _, _, reason in _problems(writer.build(outputs=(w,)))] == [
        "QUANTIZE at the model's input",
        "QUANTIZE at the model's output",
    ]


def test_a_quantize_that_no_neighbour_needs_is_noted():
    writer = Writer()
    x = writer.input("x", (1, 4), scale=0.1)
    y = writer.add("RELU", (x,), "y", (1, 4), scale=0.1)
    z = writer.add("QUANTIZE", (y,), "z", (1, 4), scale=0.2)
    w = writer.add("RELU", (z,), "w", (1, 4), scale=0.2)
    report = audit(writer.build(outputs=(w,)))
    assert report.ok
    assert report.notes == ("QUANTIZE in layer 'z' costs a tensor; its neighbours take any scale",)


@pytest.mark.parametrize("steps", [("MUL", "ADD"), ("MUL",), ("ADD",)])
def test_a_batch_norm_behind_a_convolution_must_be_folded(steps):
    writer = Writer()
    x = _stem(writer)
    for step in steps:
        x = writer.add(
            step, (x, _per_channel(writer, f"{step}/c")), f"model/bn/{step}", SHAPE, scale=0.1, options=NONE
        )
    expected = [("bn", step, "BatchNorm not folded into the CONV_2D before it") for step in steps]
    assert _problems(writer.build(outputs=(x,))) == expected


def test_a_batch_norm_behind_a_fused_activation_cannot_fold_and_is_noted():
    writer = Writer()
    x = _stem(writer, activation="RELU")
    for step in ("MUL", "ADD"):
        x = writer.add(
            step, (x, _per_channel(writer, f"{step}/c")), f"model/bn/{step}", SHAPE, scale=0.1, options=NONE
        )
    report = audit(writer.build(outputs=(x,)))
    assert report.ok
    assert report.notes == ("MUL and ADD in layer 'bn': a BatchNorm that no convolution comes before",)


def test_a_batch_norm_in_more_than_two_steps_is_a_problem():
    writer = Writer()
    x = writer.input("x", SHAPE, scale=0.1)
    for step in ("MUL", "ADD", "MUL"):
        name = f"{len(writer._operators)}"
        x = writer.add(step, (x, _per_channel(writer, f"c{name}")), name, SHAPE, scale=0.1, options=NONE)
    assert [reason for _, _, reason in _problems(writer.build(outputs=(x,)))] == [
        "BatchNorm in 3 steps (MUL and ADD and MUL); one MUL and one ADD are enough"
    ] * 3


def test_a_product_with_one_number_is_no_batch_norm():
    writer = Writer()
    x = _stem(writer)
    sixth = _per_channel(writer, "sixth", values=1)
    y = writer.add("MUL", (x, sixth), "y", SHAPE, scale=0.1, options=NONE)
    assert audit(writer.build(outputs=(y,))).ok


def _one_conv(
    *,
    scales: tuple[float, ...] = (0.01, 0.02),
    zero_point: int = 0,
    bias_scales: tuple[float, ...] | None = None,
    bias_type: type = np.int32,
    bias: tuple[int, int] = (1, 1),
) -> bytes:
    writer = Writer()
    x = writer.input("x", (1, 4, 4, 3), scale=0.5)
    kernel = np.ones((2, 3, 3, 3), np.int8)
    w = writer.constant("w", kernel, scales=scales, zero_points=(zero_point,) * len(scales))
    found = tuple(0.5 * scale for scale in scales) if bias_scales is None else bias_scales
    b = writer.constant("b", np.array(bias, bias_type), scales=found, zero_points=(0,) * len(found))
    return writer.build(outputs=(writer.add("CONV_2D", (x, w, b), "y", (1, 4, 4, 2), options=CONV),))


@pytest.mark.parametrize(
    ("says", "model_bytes"),
    [
        ("one scale for the weights of 2 channels, not one each", _one_conv(scales=(0.01,))),
        ("the weights have a zero point other than 0", _one_conv(zero_point=3)),
        ("the bias has another scale than input times weights", _one_conv(bias_scales=(0.005, 0.02))),
        ("the bias is int8, not int32", _one_conv(bias_type=np.int8)),
    ],
)
def test_weights_and_bias_are_as_the_kernel_takes_them(says, model_bytes):
    assert [reason for _, _, reason in _problems(model_bytes)] == [says]


def test_a_bias_of_equal_values_that_the_converter_has_rounded_with_one_scale_is_refused():
    (problem,) = _problems(_one_conv(bias=(2_000_000, 2_000_000)))
    assert problem[2].startswith("the bias is 2000000 in every channel, at scales that differ")
    for good in (
        _one_conv(bias=(2_000_000, 1_000_000)),
        _one_conv(bias=(2_000_000, 2_000_000), scales=(0.01, 0.01)),
        _one_conv(bias=(2, 2)),  # a coincidence
        _one_conv(bias=(0, 0)),
    ):
        assert audit(good).ok


def test_a_dense_layer_may_have_one_scale():
    assert audit(_one_conv()).ok
    writer = Writer()
    x = writer.input("x", (1, 6), scale=0.5)
    assert audit(writer.build(outputs=(dense(writer, x, units_in=6, units=3, scale_in=0.5),))).ok


def test_weights_that_are_computed_are_a_problem():
    writer = Writer()
    x, w = writer.input("x", (1, 4), scale=0.1), writer.input("w", (2, 4), scale=0.1)
    y = writer.add("FULLY_CONNECTED", (x, w, None), "y", (1, 2), options=NONE)
    assert "the weights are computed, not constant" in [
        why for _, _, why in _problems(writer.build(outputs=(y,)))
    ]


def test_scales_must_be_equal_where_the_kernel_only_moves_integers():
    writer = Writer()
    x = writer.input("x", (1, 4, 4, 2), scale=0.1)
    pool = {"padding": "VALID", "stride_h": 2, "stride_w": 2, "filter_height": 2, "filter_width": 2}
    y = writer.add("MAX_POOL_2D", (x,), "y", (1, 2, 2, 2), scale=0.2, options=pool)
    assert _problems(writer.build(outputs=(y,))) == [
        ("y", "MAX_POOL_2D", "the inputs and the output have different scales")
    ]


def test_more_than_ten_inputs_of_a_concatenation_are_a_problem():
    writer = Writer()
    x = writer.input("x", (1, 1))
    y = writer.add("CONCATENATION", (x,) * 11, "y", (1, 11), options={"axis": 1, **NONE})
    assert _problems(writer.build(outputs=(y,)))[0][2] == "joins 11 tensors; the kernel takes 10"


def test_an_int8_tensor_without_a_scale_is_a_problem():
    writer = Writer()
    x = writer.input("x", (1, 4), scale=0.1)
    y = writer.add("RELU", (x,), "y", (1, 4), scale=None)
    assert ("y", "RELU", "the int8 tensor has no scale") in _problems(writer.build(outputs=(y,)))


def test_a_shape_that_does_not_fit_is_a_problem_of_its_layer():
    writer = Writer()
    x = writer.input("x", (1, 4))
    y = writer.add("RELU", (x,), "y", (1, 5))
    (problem,) = _problems(writer.build(outputs=(y,)))
    assert problem == ("y", "RELU", "makes (1, 4), but its output 'y' is (1, 5)")


def test_what_only_the_interpreter_refuses_is_a_problem_too():
    require("module:tflite_micro")
    # The kernel of LOGISTIC knows one output scale only; no rule of ours says so.
    writer = Writer()
    x = writer.input("x", (1, 4), scale=0.1)
    (problem,) = audit(writer.build(outputs=(writer.add("LOGISTIC", (x,), "y", (1, 4), scale=0.3),))).problems
    assert "TensorFlow Lite Micro cannot run this model" in problem.reason


def test_a_path_is_read_and_a_wrong_one_is_bad_input(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(residual_network())
    assert audit(path).ok
    assert audit(str(path)).ok
    for wrong in (tmp_path / "nothing.tflite", tmp_path):
        with pytest.raises(BadInput, match="Cannot read") as caught:
            audit(wrong)
        assert caught.value.exit_code == ExitCode.USAGE


def test_a_file_that_is_no_tflite_is_bad_input(tmp_path):
    (tmp_path / "model.tflite").write_bytes(b"PK\x03\x04 a zip file")
    with pytest.raises(ModelFileError, match=r"not a \.tflite file"):
        audit(tmp_path / "model.tflite")


def test_damaged_files_are_judged_or_refused_and_nothing_else():
    rng = np.random.default_rng(5)
    originals = (residual_network(), segmenter())
    for index in range(1500):
        try:
            model = read_model(mutated(originals[index % 2], rng))
        except ModelFileError:
            continue
        graph = Graph.of(model)
        for rule in (*FILE_RULES, *LAYER_RULES):
            list(rule(graph))


def test_the_table_of_operators_is_the_schemas():
    names = {name for name in vars(tflite.BuiltinOperator) if name.isupper()}
    assert set(ADD_METHODS) <= names
    assert len(set(ADD_METHODS.values())) == len(ADD_METHODS)
