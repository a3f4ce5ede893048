"""A graph that does not hang together is refused before TensorFlow Lite Micro would read beyond its arena."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mcu.errors import ModelFileError
from mcu.tflite import check_graph, read_model
from mcu.tflm import TflmInterpreter
from tests.support import require
from tests.tflite_networks import CONV, residual_network, segmenter
from tests.tflite_writer import Graph

POOL = {"padding": "VALID", "stride_h": 2, "stride_w": 2, "filter_height": 2, "filter_width": 2}
JOIN = {"axis": -1, "fused_activation_function": "NONE"}
NONE = {"fused_activation_function": "NONE"}
TWO = {"stride_h": 2, "stride_w": 2}
SAME, VALID = TWO | {"padding": "SAME"}, TWO | {"padding": "VALID"}
DILATED = CONV | {"padding": "VALID", "dilation_h_factor": 2, "dilation_w_factor": 2}


def one(operator: str, shape_in: tuple[int, ...], shape_out: tuple[int, ...], *, constants: tuple[np.ndarray, ...] = (),
        options: dict[str, Any] | None = None, first: int = 0, scale: float | None = 0.1) -> bytes:  # fmt: skip
    """A model of one operator: the input tensor at position `first` among its constants."""
    graph = Graph()
    x = graph.input("x", shape_in, scale=scale)
    names: list[str | None] = [
        graph.constant(
            f"c{k}", value, **({"scales": (0.1,), "zero_points": (0,)} if value.dtype == np.int8 else {})
        )
        for k, value in enumerate(constants)
    ]
    names.insert(first, x)
    y = graph.add(operator, names, "y", shape_out, scale=scale, options=options)
    return graph.build(outputs=(y,))


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def weights(*shape: int) -> np.ndarray:
    return np.ones(shape, np.int8)


RIGHT = [
    ("CONV_2D", (1, 7, 6, 3), (1, 4, 3, 2), (weights(2, 3, 3, 3),), CONV | TWO, 0),
    ("CONV_2D", (1, 7, 6, 3), (1, 3, 2, 2), (weights(2, 3, 3, 3),), DILATED, 0),
    ("DEPTHWISE_CONV_2D", (1, 7, 6, 3), (1, 7, 6, 6), (weights(1, 3, 3, 6), ints(*range(6))), CONV, 0),
    ("TRANSPOSE_CONV", (1, 4, 3, 5), (1, 8, 6, 2), (ints(1, 8, 6, 2), weights(2, 3, 3, 5)), SAME, 2),
    ("TRANSPOSE_CONV", (1, 4, 3, 5), (1, 9, 7, 2), (ints(1, 9, 7, 2), weights(2, 3, 3, 5)), VALID, 2),
    ("FULLY_CONNECTED", (1, 2, 2, 3), (1, 4), (weights(4, 12),), NONE, 0),
    ("FULLY_CONNECTED", (1, 5, 3), (1, 5, 4), (weights(4, 3),), NONE | {"keep_num_dims": True}, 0),
    ("MAX_POOL_2D", (1, 5, 4, 3), (1, 2, 2, 3), (), POOL, 0),
    ("AVERAGE_POOL_2D", (1, 5, 4, 3), (1, 3, 2, 3), (), POOL | {"padding": "SAME"}, 0),
    ("ADD", (1, 4, 4, 3), (1, 4, 4, 3), (weights(3),), NONE, 0),
    ("MUL", (1, 1, 1, 3), (1, 4, 4, 3), (weights(1, 4, 4, 3),), NONE, 0),
    ("MEAN", (1, 4, 4, 3), (1, 3), (ints(1, 2),), {"keep_dims": False}, 0),
    ("MEAN", (1, 4, 4, 3), (1, 1, 1, 3), (ints(-3, -2),), {"keep_dims": True}, 0),
    ("CONCATENATION", (1, 4, 4, 3), (1, 4, 4, 5), (weights(1, 4, 4, 2),), JOIN, 0),
    ("PAD", (1, 4, 4, 3), (1, 5, 7, 3), (np.array([[0, 0], [0, 1], [1, 2], [0, 0]], np.int32),), {}, 0),
    ("RESHAPE", (1, 4, 4, 3), (1, 48), (ints(1, 48),), {"new_shape": [1, 48]}, 0),
    ("RESIZE_NEAREST_NEIGHBOR", (1, 4, 4, 3), (1, 8, 6, 3), (ints(8, 6),), {}, 0),
    ("RESIZE_BILINEAR", (1, 4, 4, 3), (1, 8, 6, 3), (ints(8, 6),), {"half_pixel_centers": True}, 0),
    ("SPACE_TO_DEPTH", (1, 4, 6, 3), (1, 2, 3, 12), (), {"block_size": 2}, 0),
    ("DEPTH_TO_SPACE", (1, 2, 3, 12), (1, 4, 6, 3), (), {"block_size": 2}, 0),
    ("RELU", (1, 3), (1, 3), (), {}, 0),
    ("HARD_SWISH", (1, 3), (1, 3), (), {}, 0),
]  # fmt: skip


@pytest.mark.parametrize(("operator", "shape_in", "shape_out", "constants", "options", "first"), RIGHT)
def test_a_right_shape_passes_and_a_wrong_one_is_named(
    operator, shape_in, shape_out, constants, options, first
):
    check_graph(
        read_model(one(operator, shape_in, shape_out, constants=constants, options=options, first=first))
    )
    for axis in range(len(shape_out)):
        wrong = tuple(side + (each == axis) for each, side in enumerate(shape_out))
        model_bytes = one(operator, shape_in, wrong, constants=constants, options=options, first=first)
        with pytest.raises(ModelFileError, match=f"Operator 0 \\({operator}, 'y'\\)"):
            check_graph(read_model(model_bytes))


@pytest.mark.parametrize(("operator", "shape_in", "shape_out", "constants", "options", "first"), RIGHT)
def test_what_passes_runs_in_tensorflow_lite_micro(operator, shape_in, shape_out, constants, options, first):
    require("module:tflite_micro")
    model_bytes = one(operator, shape_in, shape_out, constants=constants, options=options, first=first)
    (answer,) = TflmInterpreter(model_bytes).invoke([np.ones(shape_in, np.int8)])
    assert answer.shape == shape_out


def wrong_conv(*constants: np.ndarray, operator: str = "CONV_2D", shape_in: tuple[int, ...] = (1, 4, 4, 3),
               scale: float | None = 0.1) -> Callable[[], bytes]:  # fmt: skip
    return lambda: one(operator, shape_in, (1, 4, 4, 2), constants=constants, options=CONV, scale=scale)


WRONG: list[tuple[str, Callable[[], bytes]]] = [
    ("weights", wrong_conv(weights(2, 3, 3, 4))),
    ("weights", wrong_conv(weights(1, 3, 3, 4), operator="DEPTHWISE_CONV_2D")),
    ("weights", wrong_conv(weights(2, 3, 3, 1))),  # three groups, two channels
    ("bias", wrong_conv(weights(2, 3, 3, 3), ints(1, 2, 3))),
    ("dimensions", wrong_conv(weights(2, 3, 3, 3), shape_in=(4, 4, 3))),
    ("lacks input 1", wrong_conv()),
    ("needs a scale", wrong_conv(weights(2, 3, 3, 3), scale=None)),
    ("weights", lambda: one("FULLY_CONNECTED", (1, 5), (1, 2), constants=(weights(2, 3),), options=NONE)),
    ("combines", lambda: one("ADD", (1, 5), (1, 5), constants=(weights(1, 3),), options=NONE)),
    ("empty tensor", lambda: one("RELU", (1, 0), (1, 0))),
    ("empty tensor", lambda: one("MAX_POOL_2D", (1, 1, 1, 3), (1, 0, 0, 3), options=POOL)),
    ("the mean of", lambda: one("MEAN", (1, 5), (1,), constants=(ints(7),), options={"keep_dims": False})),
    ("pads", lambda: one("PAD", (1, 4), (1, 2), constants=(np.array([[0, 0], [-1, -1]], np.int32),))),
    ("not as integers", lambda: one("MEAN", (1, 5), (1,), constants=(weights(1),), options={"keep_dims": False})),
    ("beta", lambda: one("SOFTMAX", (1, 5), (1, 5), options={"beta": 1e-40})),
    ("cannot bring the scale", lambda: one("ADD", (1, 4), (1, 4), constants=(weights(4),), options=NONE, scale=1e-9)),
    ("has a scale of", lambda: one("RELU", (1, 4), (1, 4), scale=1e-30)),
    ("blocks", lambda: one("SPACE_TO_DEPTH", (1, 5, 4, 1), (1, 2, 2, 4), options={"block_size": 2})),
]  # fmt: skip


@pytest.mark.parametrize(("says", "build"), WRONG)
def test_an_operator_whose_inputs_do_not_fit_says_what_it_has(says, build):
    with pytest.raises(ModelFileError, match=says):
        check_graph(read_model(build()))


def test_a_bias_may_be_left_out_by_its_index_in_a_dense_layer_only():
    for operator, shape_in, kernel, shape_out in (
        ("FULLY_CONNECTED", (1, 3), (2, 3), (1, 2)),
        ("CONV_2D", (1, 4, 4, 3), (2, 3, 3, 3), (1, 4, 4, 2)),
    ):
        graph = Graph()
        x = graph.input("x", shape_in, scale=0.1)
        w = graph.constant("w", weights(*kernel), scales=(0.1,), zero_points=(0,))
        y = graph.add(operator, (x, w, None), "y", shape_out, options=CONV if operator == "CONV_2D" else NONE)
        model = read_model(graph.build(outputs=(y,)))
        if operator == "FULLY_CONNECTED":
            check_graph(model)
        else:
            with pytest.raises(ModelFileError, match="leaves out input 2"):
                check_graph(model)


def test_a_tensor_read_before_it_is_computed_is_named():
    graph = Graph()
    x = graph.input("x", (1, 4))
    y = graph.add("RELU", (x,), "y", (1, 4))
    z = graph.add("RELU", (y,), "z", (1, 4))
    graph._operators.reverse()
    with pytest.raises(ModelFileError, match="reads 'y' before it is computed"):
        check_graph(read_model(graph.build(outputs=(z,))))


def test_a_tensor_computed_twice_is_named():
    graph = Graph()
    x = graph.input("x", (1, 4))
    y = graph.add("RELU", (x,), "y", (1, 4))
    graph._operators.append(graph._operators[0])
    with pytest.raises(ModelFileError, match="computes 'y', which exists already"):
        check_graph(read_model(graph.build(outputs=(y,))))


def test_an_output_that_nothing_computes_is_named():
    graph = Graph()
    x = graph.input("x", (1, 4))
    graph.add("RELU", (x,), "y", (1, 4))
    graph._computed("lost", (1, 4), 1.0, 0, "int8")
    with pytest.raises(ModelFileError, match="'lost' is an output that nothing computes"):
        check_graph(read_model(graph.build(outputs=("lost",))))


def test_the_test_networks_hang_together():
    check_graph(read_model(residual_network()))
    check_graph(read_model(segmenter()))
