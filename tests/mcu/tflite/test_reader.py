"""What the reader says of a file is what was written into it; anything it cannot trust is refused."""

from __future__ import annotations

import dataclasses
import time

import flatbuffers
import numpy as np
import pytest
import tflite

from mcu.errors import ExitCode, ModelFileError
from mcu.tflite import read_model
from mcu.tflite.model import layer_name
from mcu.tflite.options import (
    ActivationOptions,
    BlockOptions,
    ConcatenationOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    FullyConnectedOptions,
    LeakyReluOptions,
    Options,
    PackOptions,
    Pool2DOptions,
    ReducerOptions,
    ReshapeOptions,
    ResizeOptions,
    SoftmaxOptions,
    SqueezeOptions,
    StridedSliceOptions,
    TransposeConvOptions,
    UnpackOptions,
)
from tests.tflite_networks import residual_network, segmenter
from tests.tflite_writer import Graph, write_numbers, write_offsets, write_table

WINDOW = {"padding": "VALID", "stride_h": 2, "stride_w": 3, "fused_activation_function": "RELU6"}
DILATION = {"dilation_h_factor": 4, "dilation_w_factor": 5}
POOL = WINDOW | {"filter_height": 4, "filter_width": 5}
DENSE = {"keep_num_dims": True, "fused_activation_function": "RELU"}
MASKS = {"begin_mask": 1, "end_mask": 2, "shrink_axis_mask": 4}
WITHOUT_OPTIONS = (
    "PAD",
    "QUANTIZE",
    "DEQUANTIZE",
    "HARD_SWISH",
    "LOGISTIC",
    "RELU",
    "RELU6",
    "SHAPE",
    "TANH",
)
DEPTHWISE = WINDOW | DILATION | {"depth_multiplier": 7}
OPTIONS = [
    ("CONV_2D", WINDOW | DILATION, Conv2DOptions("VALID", 2, 3, 4, 5, "RELU6")),
    ("DEPTHWISE_CONV_2D", DEPTHWISE, DepthwiseConv2DOptions("VALID", 2, 3, 4, 5, 7, "RELU6")),
    ("TRANSPOSE_CONV", WINDOW, TransposeConvOptions("VALID", 2, 3, "RELU6")),
    ("MAX_POOL_2D", POOL, Pool2DOptions("VALID", 2, 3, 4, 5, "RELU6")),
    ("AVERAGE_POOL_2D", POOL, Pool2DOptions("VALID", 2, 3, 4, 5, "RELU6")),
    ("FULLY_CONNECTED", DENSE, FullyConnectedOptions(True, "RELU")),
    ("ADD", {"fused_activation_function": "RELU"}, ActivationOptions("RELU")),
    ("SUB", {"fused_activation_function": "RELU6"}, ActivationOptions("RELU6")),
    ("MUL", {"fused_activation_function": "RELU_N1_TO_1"}, ActivationOptions("RELU_N1_TO_1")),
    ("MEAN", {"keep_dims": True}, ReducerOptions(True)),
    ("CONCATENATION", {"axis": -1, "fused_activation_function": "NONE"}, ConcatenationOptions(-1, "NONE")),
    ("RESHAPE", {"new_shape": [1, -1]}, ReshapeOptions((1, -1))),
    ("SOFTMAX", {"beta": 0.5}, SoftmaxOptions(0.5)),
    ("LEAKY_RELU", {"alpha": 0.25}, LeakyReluOptions(0.25)),
    ("RESIZE_NEAREST_NEIGHBOR", {"align_corners": True}, ResizeOptions(True, False)),
    ("RESIZE_BILINEAR", {"half_pixel_centers": True}, ResizeOptions(False, True)),
    ("SPACE_TO_DEPTH", {"block_size": 2}, BlockOptions(2)),
    ("DEPTH_TO_SPACE", {"block_size": 3}, BlockOptions(3)),
    ("PACK", {"values_count": 2, "axis": 1}, PackOptions(2, 1)),
    ("UNPACK", {"num": 3, "axis": 2}, UnpackOptions(3, 2)),
    ("SQUEEZE", {"squeeze_dims": [1, 2]}, SqueezeOptions((1, 2))),
    ("STRIDED_SLICE", MASKS, StridedSliceOptions(1, 2, 0, 0, 4, False)),
    *((name, {}, Options()) for name in WITHOUT_OPTIONS),
]  # fmt: skip


def _one(operator, options=None, **tensor):
    graph = Graph()
    x = graph.input("x", (1, 4, 4, 3), **tensor)
    return graph.build(outputs=(graph.add(operator, (x, None), "y", (1, 4, 4, 3), options=options),))


@pytest.mark.parametrize(("operator", "written", "read"), OPTIONS)
def test_the_options_of_an_operator_are_decoded(operator, written, read):
    (found,) = read_model(_one(operator, written)).operators
    assert (found.name, found.options) == (operator, read)
    assert (found.inputs, found.outputs) == ((0, -1), (1,))


def test_tensors_keep_name_shape_type_quantization_and_values():
    graph = Graph()
    x = graph.input("x", (1, 2, 2, 3), scale=0.5, zero_point=-7, shape_signature=(-1, 2, 2, 3))
    values = np.arange(-6, 6, dtype=np.int8).reshape(2, 1, 2, 3)
    w = graph.constant("w", values, scales=(0.25, 0.125), zero_points=(0, 0), quantized_dimension=0)
    b = graph.constant("b", np.array([-(2**31), 2**31 - 1], np.int32))
    y = graph.add("CUSTOM_THING", (x, w, b), "ü", (1, 2), scale=None, dtype="float32", version=3)
    model = read_model(graph.build(outputs=(y,)))
    image, weights, bias, output = model.tensors
    assert (image.shape, image.dtype, image.scale, image.zero_point) == ((1, 2, 2, 3), "int8", 0.5, -7)
    assert (image.shape_signature, image.is_constant, image.nbytes) == ((-1, 2, 2, 3), False, 12)
    assert (weights.scales, weights.zero_points, weights.quantized_dimension) == ((0.25, 0.125), (0, 0), 0)
    assert weights.is_per_channel
    np.testing.assert_array_equal(weights.buffer, values)
    assert bias.buffer is not None
    assert (bias.buffer.tolist(), bias.buffer.dtype, bias.scales) == ([-(2**31), 2**31 - 1], np.int32, ())
    assert (output.name, output.dtype, output.scales, output.nbytes) == ("ü", "float32", (), 8)
    (operator,) = model.operators
    assert (operator.name, operator.version, operator.is_custom) == ("CUSTOM_THING", 3, True)


def test_a_scale_without_a_zero_point_is_no_quantization_as_in_tensorflow_lite():
    graph = Graph()
    x = graph.input("x", (1, 4))
    w = graph.constant("w", np.ones(4, np.int8), scales=(0.5,))
    model = read_model(graph.build(outputs=(graph.add("ADD", (x, w), "y", (1, 4)),)))
    assert (model.tensors[1].scales, model.tensors[1].zero_points) == ((), ())


def test_values_are_read_only_views_of_the_file():
    weights = next(tensor for tensor in read_model(residual_network()).tensors if tensor.buffer is not None)
    with pytest.raises(ValueError, match="read-only"):
        weights.buffer[...] = 0


def test_operators_are_counted_most_frequent_first():
    assert list(read_model(residual_network()).operator_counts.items()) == [
        ("CONV_2D", 2),
        ("ADD", 1),
        ("DEPTHWISE_CONV_2D", 1),
        ("FULLY_CONNECTED", 1),
        ("MEAN", 1),
        ("SOFTMAX", 1),
    ]


def test_an_addition_without_options_has_the_schemas_defaults():
    graph = Graph()
    x = graph.input("x", (1, 4))
    y = graph.add("ADD", (x, x), "y", (1, 4))
    original = graph.build(outputs=(y,))
    operator = tflite.Model.GetRootAs(original).Subgraphs(0).Operators(0)
    table = operator._tab
    at = table.Pos + table.Offset(10)  # builtin_options_type
    assert original[at] == tflite.BuiltinOptions.AddOptions
    (found,) = read_model(original[:at] + b"\0" + original[at + 1 :]).operators
    assert found.options == ActivationOptions("NONE")


def test_of_two_operator_codes_the_larger_holds_as_in_tensorflow_lite():
    original = _one("RELU")
    code = tflite.Model.GetRootAs(original).OperatorCodes(0)._tab
    at = code.Pos + code.Offset(10)  # builtin_code, beside the older byte
    assert original[at] == tflite.BuiltinOperator.RELU
    (found,) = read_model(original[:at] + bytes([tflite.BuiltinOperator.TANH]) + original[at + 1 :]).operators
    assert found.name == "TANH"


def test_the_schema_package_reads_the_same():
    for data in (residual_network(), segmenter()):
        graph = tflite.Model.GetRootAs(data).Subgraphs(0)
        model = read_model(data)
        assert len(model.tensors) == graph.TensorsLength()
        for tensor in model.tensors:
            raw = graph.Tensors(tensor.index)
            assert (tensor.name.encode(), tensor.shape) == (raw.Name(), tuple(raw.ShapeAsNumpy()))
        for operator in model.operators:
            raw = graph.Operators(operator.index)
            assert (operator.inputs, operator.outputs) == (
                tuple(raw.InputsAsNumpy()),
                tuple(raw.OutputsAsNumpy()),
            )


@pytest.mark.parametrize(
    "junk", [b"", b"TFL3", bytes(100), b"PK\x03\x04" + bytes(100), b"\x08\0\0\0TFL2" + bytes(100)]
)
def test_what_is_not_a_tflite_file_is_bad_input(junk):
    with pytest.raises(ModelFileError, match=r"not a \.tflite file") as caught:
        read_model(junk)
    assert caught.value.exit_code == ExitCode.USAGE


def test_a_path_instead_of_bytes_is_bad_input():
    with pytest.raises(ModelFileError, match="is bytes, not str"):
        read_model("model.tflite")  # type: ignore[arg-type]


def _constant(values, shape, *, scales=(), zero_points=(), dimension=0):
    graph = Graph()
    x = graph.input("x", (1, 4))
    w = graph.constant("w", values, scales=scales, zero_points=zero_points, quantized_dimension=dimension)
    graph._tensors[-1] = dataclasses.replace(graph._tensors[-1], shape=shape)
    return graph.build(outputs=(graph.add("ADD", (x, w), "y", (1, 4)),))


@pytest.mark.parametrize(
    ("says", "data"),
    [
        ("has 3 bytes, its shape", _constant(np.ones(3, np.int8), (4,))),
        ("has the shape", _constant(np.ones(3, np.int8), (-3,))),
        ("has the shape", _constant(np.ones(1, np.int8), (1,) * 9)),
        ("2 scales along dimension 0", _constant(np.ones(3, np.int8), (3,), scales=(1, 1), zero_points=(0, 0))),
        ("along dimension 5", _constant(np.ones(1, np.int8), (1,), scales=(1, 1), zero_points=(0,), dimension=5)),
        ("2 zero points", _constant(np.ones(3, np.int8), (3,), scales=(1, 1, 1), zero_points=(0, 0))),
        ("negative or not finite", _constant(np.ones(1, np.int8), (1,), scales=(float("nan"),), zero_points=(0,))),
        ("negative or not finite", _constant(np.ones(1, np.int8), (1,), scales=(-1.0,), zero_points=(0,))),
        ("beyond 32 bits", _constant(np.ones(1, np.int8), (1,), scales=(1.0,), zero_points=(2**31,))),
        ("stride 0", _one("CONV_2D", WINDOW | {"stride_h": 0})),
        ("filter size 0", _one("MAX_POOL_2D", WINDOW)),
        ("activation 9", _one("ADD", {"fused_activation_function": 9})),
        ("padding 2", _one("CONV_2D", {"padding": 2, "stride_h": 1, "stride_w": 1})),
    ],
)  # fmt: skip
def test_a_file_that_contradicts_itself_is_refused(says, data):
    with pytest.raises(ModelFileError, match=says):
        read_model(data)


def test_a_small_file_that_describes_gigabytes_is_refused_at_once():
    builder = flatbuffers.Builder(1024)
    shared = write_numbers(builder, np.zeros(20_000, np.int32))
    operators = [write_table(builder, "Operator", {"inputs": shared}) for _ in range(5_000)]
    tensor = write_table(builder, "Tensor", {"name": builder.CreateString("x")})
    fields = {
        "tensors": write_offsets(builder, [tensor]),
        "operators": write_offsets(builder, operators),
    }
    graph = write_table(builder, "SubGraph", fields)
    code = write_table(builder, "OperatorCode", {"builtin_code": 0})
    fields = {
        "version": 3,
        "operator_codes": write_offsets(builder, [code]),
        "subgraphs": write_offsets(builder, [graph]),
        "buffers": write_offsets(builder, [write_table(builder, "Buffer", {})]),
    }
    builder.Finish(write_table(builder, "Model", fields), b"TFL3")
    start = time.perf_counter()
    with pytest.raises(ModelFileError, match="more than it holds"):
        read_model(bytes(builder.Output()))
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("model/re_lu/Relu;model/bn/FusedBatchNormV3;model/conv2d/Conv2D1", "conv2d"),
        ("model/bn/FusedBatchNormV3;model/dw/depthwise", "dw"),
        ("model/quant_up/conv2d_transpose", "up"),
        ("model/global_average_pooling2d/Mean", "global_average_pooling2d"),
        ("model/block/branch/concat", "block/branch"),
        ("Identity", "Identity"),
        ("stem/weights", "stem"),
    ],
)
def test_the_layer_is_found_in_a_converters_name(name, layer):
    assert layer_name(name) == layer


def test_an_operator_whose_output_was_renamed_keeps_the_layer_of_its_weights():
    graph = Graph()
    x = graph.input("x", (1, 4))
    w = graph.constant("model/head/MatMul", np.ones((2, 4), np.int8), scales=(1.0,), zero_points=(0,))
    y = graph.add("FULLY_CONNECTED", (x, w), "Identity", (1, 2))
    z = graph.add("RELU", (y,), "Identity_1", (1, 2))
    model = read_model(graph.build(outputs=(z,)))
    assert [model.layer_of(operator) for operator in model.operators] == ["head", "Identity_1"]
