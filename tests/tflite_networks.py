"""Small int8 networks written with the FlatBuffers schema, for tests of what reads, judges or runs .tflite files."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tests.tflite_writer import Graph

CONV = {"padding": "SAME", "stride_h": 1, "stride_w": 1, "dilation_h_factor": 1, "dilation_w_factor": 1}


def conv(
    graph: Graph,
    x: str,
    shape: Sequence[int],
    *,
    name: str,
    channels_in: int,
    channels_out: int,
    side: int = 3,
    stride: int = 1,
    scale_in: float,
    scale_out: float,
    zero_point_out: int = 0,
    activation: str = "NONE",
    depthwise: bool = False,
    seed: int = 0,
) -> str:
    """A (depthwise) convolution with random per-channel weights and bias; `shape` is the output's."""
    rng = np.random.default_rng(seed)
    scales = rng.uniform(0.5, 1.5, channels_out) * 0.004
    kernel = (1, side, side, channels_out) if depthwise else (channels_out, side, side, channels_in)
    options: dict[str, object] = {**CONV, "stride_h": stride, "stride_w": stride}
    options["fused_activation_function"] = activation
    if depthwise:
        options["depth_multiplier"] = channels_out // channels_in
    weights = graph.constant(
        f"{name}/weights",
        rng.integers(-127, 128, kernel, np.int8),
        scales=scales.tolist(),
        zero_points=(0,) * channels_out,
        quantized_dimension=3 if depthwise else 0,
    )
    bias = graph.constant(
        f"{name}/bias",
        rng.integers(-2000, 2000, channels_out, np.int32),
        scales=(scales * scale_in).tolist(),
        zero_points=(0,) * channels_out,
    )
    return graph.add(
        "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
        (x, weights, bias),
        name,
        shape,
        scale=scale_out,
        zero_point=zero_point_out,
        options=options,
    )


def residual_network(*, classes: int = 10) -> bytes:
    """Convolution, depthwise, pointwise, addition, mean, dense, softmax: what a MobileNet is made of, at 8x8x3."""
    graph = Graph()
    x = graph.input("image", (1, 8, 8, 3), scale=1 / 127, zero_point=-1)
    stem = conv(
        graph, x, (1, 4, 4, 8), name="stem", channels_in=3, channels_out=8, stride=2,
        scale_in=1 / 127, scale_out=6 / 255, zero_point_out=-128, activation="RELU6",
    )  # fmt: skip
    depthwise = conv(
        graph, stem, (1, 4, 4, 8), name="depthwise", channels_in=8, channels_out=8, depthwise=True,
        scale_in=6 / 255, scale_out=6 / 255, zero_point_out=-128, activation="RELU6", seed=1,
    )  # fmt: skip
    project = conv(
        graph, depthwise, (1, 4, 4, 8), name="project", channels_in=8, channels_out=8, side=1,
        scale_in=6 / 255, scale_out=0.03, zero_point_out=4, seed=2,
    )  # fmt: skip
    options = {"fused_activation_function": "NONE"}
    added = graph.add(
        "ADD", (stem, project), "add", (1, 4, 4, 8), scale=0.04, zero_point=-20, options=options
    )
    axes = graph.constant("axes", np.array([1, 2], np.int32))
    mean = graph.add(
        "MEAN", (added, axes), "mean", (1, 8), scale=0.04, zero_point=-20, options={"keep_dims": False}
    )
    logits = dense(graph, mean, units_in=8, units=classes, scale_in=0.04)
    scores = graph.add(
        "SOFTMAX", (logits,), "scores", (1, classes), scale=1 / 256, zero_point=-128, options={"beta": 1.0}
    )
    return graph.build(outputs=(scores,))


def dense(graph: Graph, x: str, *, units_in: int, units: int, scale_in: float, name: str = "logits") -> str:
    """A dense layer with per-tensor weights, scale 0.05 and zero point 3."""
    rng = np.random.default_rng(7)
    weights = graph.constant(
        f"{name}/weights",
        rng.integers(-127, 128, (units, units_in), np.int8),
        scales=(0.01,),
        zero_points=(0,),
    )
    bias = graph.constant(
        f"{name}/bias", rng.integers(-500, 500, units, np.int32), scales=(0.01 * scale_in,), zero_points=(0,)
    )
    options = {"fused_activation_function": "NONE", "keep_num_dims": False}
    return graph.add(
        "FULLY_CONNECTED", (x, weights, bias), name, (1, units), scale=0.05, zero_point=3, options=options
    )


def segmenter() -> bytes:
    """Two levels down and up again with a skip: pooling, transposed convolution, concatenation, logistic, at 8x8x2."""
    graph = Graph()
    image = graph.input("image", (1, 8, 8, 2), scale=0.02, zero_point=10)
    down = conv(
        graph, image, (1, 8, 8, 4), name="down", channels_in=2, channels_out=4,
        scale_in=0.02, scale_out=0.05, zero_point_out=-128, activation="RELU",
    )  # fmt: skip
    pool = {"padding": "VALID", "stride_h": 2, "stride_w": 2, "filter_height": 2, "filter_width": 2}
    pooled = graph.add(
        "MAX_POOL_2D", (down,), "pooled", (1, 4, 4, 4), scale=0.05, zero_point=-128, options=pool
    )
    up = transpose_conv(graph, pooled, (1, 8, 8, 4), name="up", channels_in=4, scale_in=0.05, scale_out=0.05)
    options = {"axis": 3, "fused_activation_function": "NONE"}
    skip = graph.add(
        "CONCATENATION", (up, down), "skip", (1, 8, 8, 8), scale=0.05, zero_point=-128, options=options
    )
    logits = conv(
        graph, skip, (1, 8, 8, 1), name="logits", channels_in=8, channels_out=1, side=1,
        scale_in=0.05, scale_out=0.1, seed=5,
    )  # fmt: skip
    mask = graph.add("LOGISTIC", (logits,), "mask", (1, 8, 8, 1), scale=1 / 256, zero_point=-128)
    return graph.build(outputs=(mask,))


def transpose_conv(
    graph: Graph,
    x: str,
    shape: Sequence[int],
    *,
    name: str,
    channels_in: int,
    scale_in: float,
    scale_out: float,
    zero_point_out: int = -128,
    side: int = 2,
    stride: int = 2,
) -> str:
    """A transposed convolution with random per-tensor weights, bias and a fused ReLU."""
    rng = np.random.default_rng(11)
    weights = rng.integers(-127, 128, (shape[3], side, side, channels_in), np.int8)
    size = graph.constant(f"{name}/size", np.array(shape, np.int32))
    kernel = graph.constant(f"{name}/weights", weights, scales=(0.01,), zero_points=(0,))
    bias = graph.constant(
        f"{name}/bias",
        rng.integers(-500, 500, shape[3], np.int32),
        scales=(0.01 * scale_in,),
        zero_points=(0,),
    )
    return graph.add(
        "TRANSPOSE_CONV",
        (size, kernel, x, bias),
        name,
        shape,
        scale=scale_out,
        zero_point=zero_point_out,
        options={
            "padding": "VALID",
            "stride_h": stride,
            "stride_w": stride,
            "fused_activation_function": "RELU",
        },
        version=4,
    )
