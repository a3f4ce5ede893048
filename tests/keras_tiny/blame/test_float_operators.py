"""Every operator in real numbers is what TensorFlow Lite Micro's float kernel makes of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from keras_tiny.blame.float_graph import FloatGraph
from keras_tiny.blame.float_operators import OPERATORS
from mcu.tflite import read_model
from mcu.tflm import TflmInterpreter
from tests.support import require
from tests.tflite_writer import Graph

X = (1, 5, 6, 4)
SAME = {"padding": "SAME", "stride_h": 2, "stride_w": 1}
VALID = {"padding": "VALID", "stride_h": 1, "stride_w": 2}
FLAT = {"dilation_h_factor": 1, "dilation_w_factor": 1}
DILATED = {"dilation_h_factor": 2, "dilation_w_factor": 2}
RELU = {"fused_activation_function": "RELU"}
RNG = np.random.default_rng(0)


def weights(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def integers(*values: Any) -> np.ndarray:
    return np.array(values, np.int32)


# operator, shape of its input, constants behind it (before it, for TRANSPOSE_CONV), options, shape of its output
CASES: list[tuple[str, tuple[int, ...], list[np.ndarray], dict[str, Any], tuple[int, ...]]] = [
    ("ADD", X, [weights(*X)], RELU, X),
    ("SUB", X, [weights(4)], {}, X),
    ("MUL", X, [weights(1, 1, 1, 4)], {"fused_activation_function": "RELU6"}, X),
    ("CONV_2D", X, [weights(3, 3, 3, 4), weights(3)], SAME | FLAT | RELU, (1, 3, 6, 3)),
    ("CONV_2D", X, [weights(3, 2, 3, 4), weights(3)], VALID | FLAT, (1, 4, 2, 3)),
    ("CONV_2D", X, [weights(3, 3, 3, 4), weights(3)], SAME | DILATED | {"stride_h": 1}, (1, 5, 6, 3)),
    ("DEPTHWISE_CONV_2D", X, [weights(1, 3, 3, 8), weights(8)], SAME | FLAT | {"depth_multiplier": 2}, (1, 3, 6, 8)),
    ("DEPTHWISE_CONV_2D", X, [weights(1, 2, 2, 4), weights(4)], VALID | FLAT | {"depth_multiplier": 1}, (1, 4, 3, 4)),
    ("TRANSPOSE_CONV", X, [integers(1, 10, 12, 3), weights(3, 3, 3, 4)],
     {"padding": "SAME", "stride_h": 2, "stride_w": 2}, (1, 10, 12, 3)),
    ("TRANSPOSE_CONV", X, [integers(1, 10, 12, 3), weights(3, 2, 2, 4)],
     {"padding": "VALID", "stride_h": 2, "stride_w": 2}, (1, 10, 12, 3)),
    ("FULLY_CONNECTED", (1, 12), [weights(5, 12), weights(5)], RELU, (1, 5)),
    ("AVERAGE_POOL_2D", X, [], SAME | {"filter_height": 3, "filter_width": 3}, (1, 3, 6, 4)),
    ("MAX_POOL_2D", X, [], VALID | {"filter_height": 2, "filter_width": 2}, (1, 4, 3, 4)),
    ("MEAN", X, [integers(1, 2)], {"keep_dims": False}, (1, 4)),
    ("SUM", X, [integers(1, 2)], {"keep_dims": True}, (1, 1, 1, 4)),
    ("REDUCE_MAX", X, [integers(1, 2)], {"keep_dims": True}, (1, 1, 1, 4)),
    ("CONCATENATION", X, [weights(1, 5, 6, 2)], {"axis": 3}, (1, 5, 6, 6)),
    ("PAD", X, [integers([0, 0], [1, 2], [0, 3], [0, 0])], {}, (1, 8, 9, 4)),
    ("PADV2", X, [integers([0, 0], [1, 2], [0, 3], [0, 0]), np.float32([2.5])], {}, (1, 8, 9, 4)),
    ("RESHAPE", X, [integers(1, 120)], {"new_shape": [1, 120]}, (1, 120)),
    ("SQUEEZE", (1, 1, 1, 4), [], {"squeeze_dims": [1, 2]}, (1, 4)),
    ("TRANSPOSE", X, [integers(0, 3, 1, 2)], {}, (1, 4, 5, 6)),
    ("RESIZE_BILINEAR", X, [integers(10, 12)], {"align_corners": False, "half_pixel_centers": True}, (1, 10, 12, 4)),
    ("RESIZE_BILINEAR", X, [integers(7, 9)], {"align_corners": True, "half_pixel_centers": False}, (1, 7, 9, 4)),
    ("RESIZE_NEAREST_NEIGHBOR", X, [integers(10, 12)],
     {"align_corners": False, "half_pixel_centers": True}, (1, 10, 12, 4)),
    ("RESIZE_NEAREST_NEIGHBOR", X, [integers(7, 9)],
     {"align_corners": False, "half_pixel_centers": False}, (1, 7, 9, 4)),
    ("SPACE_TO_DEPTH", (1, 4, 6, 3), [], {"block_size": 2}, (1, 2, 3, 12)),
    ("DEPTH_TO_SPACE", (1, 2, 3, 12), [], {"block_size": 2}, (1, 4, 6, 3)),
    ("SOFTMAX", (1, 9), [], {"beta": 0.5}, (1, 9)),
    ("LEAKY_RELU", X, [], {"alpha": 0.2}, X),
    *((name, X, [], {}, X) for name in ("HARD_SWISH", "LOGISTIC", "RELU", "RELU6", "TANH")),
]  # fmt: skip
# They stand between scales: in a float file there is nothing for them to do.
IDENTITIES = {"QUANTIZE", "DEQUANTIZE"}


@pytest.mark.parametrize(
    ("name", "shape", "constants", "options", "output"), CASES, ids=lambda value: str(value)[:24]
)
def test_the_operator_is_that_of_the_float_kernel(
    name: str,
    shape: tuple[int, ...],
    constants: list[np.ndarray],
    options: dict[str, Any],
    output: tuple[int, ...],
):
    require("module:tflite_micro")
    graph = Graph()
    x = graph.input("x", shape, scale=None, dtype="float32")
    made = [graph.constant(f"c{at}", values) for at, values in enumerate(constants)]
    inputs = [*made, x] if name == "TRANSPOSE_CONV" else [x, *made]
    graph.add(name, inputs, "y", output, scale=None, dtype="float32", options=options)
    model_bytes = graph.build(outputs=("y",))
    model = read_model(model_bytes)
    image = 3 * RNG.normal(size=shape).astype(np.float32)
    (expected,) = TflmInterpreter(model_bytes).invoke([image])
    found = FloatGraph.of(model).run(image.astype(np.float64))[model.outputs[0]]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-5)


def test_every_operator_of_the_table_is_tested():
    assert {name for name, *_ in CASES} | IDENTITIES == set(OPERATORS)
