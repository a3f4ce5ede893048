"""Random single operators: every strategy draws a function that adds one operator of its kind to a graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from tests.tflite_writer import Graph

ACTIVATIONS = st.sampled_from(["NONE", "NONE", "RELU", "RELU6", "RELU_N1_TO_1"])
PADDINGS = st.sampled_from(["SAME", "VALID"])
ZERO_POINTS = st.one_of(st.integers(-128, 127), st.sampled_from([-128, 0, 127]))
SCALES = st.floats(-12, 4).map(lambda exponent: float(np.float32(2.0**exponent)))
SEEDS = st.integers(0, 2**32 - 1)
SIDES = st.integers(1, 9)
WIDTHS = st.one_of(SIDES, st.integers(13, 21))  # small images run as one row, wide ones row by row
CHANNELS = st.integers(1, 13)


@dataclass(frozen=True)
class Edge:
    """Scale and zero point of a tensor."""

    scale: float
    zero_point: int

    def named(self) -> dict[str, float | int]:
        return {"scale": self.scale, "zero_point": self.zero_point}


EDGES = st.builds(Edge, SCALES, ZERO_POINTS)
Adder = Callable[[Graph, str], str]


def ratios(low: int, high: int) -> st.SearchStrategy[float]:
    """Ratios of two scales from 2**low to 2**high; half of them simple fractions, under which many results are ties.

    Scales drawn apart from each other hardly ever have a tie, and it takes a tie to tell one rounding from another.
    """
    simple = st.builds(lambda a, b: a / b, st.integers(1, 48), st.integers(1, 48))
    return st.one_of(
        st.floats(low, high).map(lambda exponent: 2.0**exponent),
        simple.map(lambda ratio: min(max(ratio, 2.0**low), 2.0**high)),
    )


def constant_weights(
    graph: Graph,
    name: str,
    shape: tuple[int, ...],
    *,
    axis: int,
    source: Edge,
    spread: float,
    per_channel: bool,
    seed: int,
) -> tuple[str, str, np.ndarray]:
    """Weights, bias, and the weights' scales."""
    rng = np.random.default_rng(seed)
    count = shape[axis]
    exponents = rng.uniform(-spread, 0.0, count if per_channel else 1)
    scales = np.float32(2.0 ** (exponents.round() if seed % 2 else exponents) * 0.01)
    weights = graph.constant(
        f"{name}/w",
        rng.integers(-127, 128, shape, np.int8),
        scales=scales.tolist(),
        zero_points=(0,) * scales.size,
        quantized_dimension=axis,
    )
    largest = 2 ** int(rng.integers(1, 24))
    bias = graph.constant(
        f"{name}/b",
        rng.integers(-largest, largest, count, np.int32),
        scales=(scales * np.float32(source.scale)).tolist(),
        zero_points=(0,) * scales.size,
    )
    return weights, bias, scales


def target_scale(source: Edge, weight_scales: np.ndarray, taps: int, stretch: float) -> float:
    """An output scale under which accumulators of random weights reach a good part of int8, times `stretch`."""
    typical = source.scale * float(weight_scales.max()) * round(73 * 73 * np.sqrt(taps) / 50)
    return float(np.float32(typical * stretch))


@st.composite
def conv(draw: st.DrawFn, *, depthwise: bool = False) -> Adder:
    height, width, channels = draw(SIDES), draw(WIDTHS), draw(CHANNELS)
    window_h, window_w = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    steps = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    dilations = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    padding = draw(PADDINGS)
    if depthwise and draw(st.booleans()):
        # The shapes that the fast kernel takes.
        channels, window_h, window_w, dilations = draw(st.sampled_from([4, 8, 12])), 3, 3, (1, 1)
        steps = (steps[0], draw(st.integers(1, 2)))
    elif draw(st.booleans()):
        window_h, window_w, steps, dilations = 1, 1, (1, 1), (1, 1)
    multiplier = draw(st.integers(1, 3)) if depthwise and window_h != 3 else 1
    out_channels = channels * multiplier if depthwise else draw(CHANNELS)
    source, zero_point = draw(EDGES), draw(ZERO_POINTS)
    options: dict[str, object] = {
        "padding": padding,
        "stride_h": steps[0],
        "stride_w": steps[1],
        "dilation_h_factor": dilations[0],
        "dilation_w_factor": dilations[1],
        "fused_activation_function": draw(ACTIVATIONS),
    }
    if depthwise:
        options["depth_multiplier"] = multiplier
    per_channel, with_bias, stretch, seed = (
        draw(st.booleans()),
        draw(st.booleans()),
        draw(ratios(-6, 6)),
        draw(SEEDS),
    )
    shape = (
        (1, window_h, window_w, out_channels) if depthwise else (out_channels, window_h, window_w, channels)
    )
    out = [
        _out_size(size, window, step, dilation, padding)
        for size, window, step, dilation in zip(
            (height, width), (window_h, window_w), steps, dilations, strict=True
        )
    ]

    def add(graph: Graph, name: str) -> str:
        x = graph.input(f"{name}/x", (1, height, width, channels), **source.named())
        axis = 3 if depthwise else 0
        w, b, scales = constant_weights(
            graph, name, shape, axis=axis, source=source, spread=6.0, per_channel=per_channel, seed=seed
        )
        taps = window_h * window_w * (1 if depthwise else channels)
        inputs = (x, w, b) if with_bias else (x, w)
        return graph.add(
            "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
            inputs,
            name,
            (1, *out, out_channels),
            scale=target_scale(source, scales, taps, stretch),
            zero_point=zero_point,
            options=options,
        )

    # A window that does not fit leaves no output under VALID.
    return add if min(out) > 0 else draw(conv(depthwise=depthwise))


def _out_size(size: int, window: int, step: int, dilation: int, padding: str) -> int:
    if padding == "SAME":
        return -(-size // step)
    return max(0, -(-(size - (window - 1) * dilation) // step))


@st.composite
def fully_connected(draw: st.DrawFn) -> Adder:
    samples, units_in, units = draw(st.integers(1, 3)), draw(st.integers(1, 40)), draw(CHANNELS)
    source, zero_point, activation = draw(EDGES), draw(ZERO_POINTS), draw(ACTIVATIONS)
    per_channel, with_bias, stretch, seed = (
        draw(st.booleans()),
        draw(st.booleans()),
        draw(ratios(-4, 4)),
        draw(SEEDS),
    )

    def add(graph: Graph, name: str) -> str:
        x = graph.input(f"{name}/x", (samples, units_in), **source.named())
        w, b, scales = constant_weights(
            graph,
            name,
            (units, units_in),
            axis=0,
            source=source,
            spread=4.0,
            per_channel=per_channel,
            seed=seed,
        )
        return graph.add(
            "FULLY_CONNECTED",
            (x, w, b) if with_bias else (x, w),
            name,
            (samples, units),
            scale=target_scale(source, scales, units_in, stretch),
            zero_point=zero_point,
            options={"fused_activation_function": activation},
        )

    return add


@st.composite
def transpose_conv(draw: st.DrawFn) -> Adder:
    height, width, channels, out_channels = draw(SIDES), draw(SIDES), draw(CHANNELS), draw(CHANNELS)
    window_h, window_w = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    step_h, step_w = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    padding = draw(PADDINGS)
    source, zero_point, activation = (
        draw(EDGES),
        draw(ZERO_POINTS),
        draw(st.sampled_from(["NONE", "RELU", "RELU6"])),
    )
    per_channel, with_bias, stretch, seed = (
        draw(st.booleans()),
        draw(st.booleans()),
        draw(ratios(-3, 3)),
        draw(SEEDS),
    )
    if padding == "SAME":
        out = height * step_h, width * step_w
    else:
        out = (height - 1) * step_h + window_h, (width - 1) * step_w + window_w

    def add(graph: Graph, name: str) -> str:
        shape = graph.constant(f"{name}/shape", np.array([1, *out, out_channels], np.int32))
        x = graph.input(f"{name}/x", (1, height, width, channels), **source.named())
        w, b, scales = constant_weights(
            graph,
            name,
            (out_channels, window_h, window_w, channels),
            axis=0,
            source=source,
            spread=4.0,
            per_channel=per_channel,
            seed=seed,
        )
        return graph.add(
            "TRANSPOSE_CONV",
            (shape, w, x, b) if with_bias else (shape, w, x),
            name,
            (1, *out, out_channels),
            scale=target_scale(source, scales, channels, stretch),
            zero_point=zero_point,
            options={
                "padding": padding,
                "stride_h": step_h,
                "stride_w": step_w,
                "fused_activation_function": activation,
            },
            version=4 if activation != "NONE" else 3,
        )

    return add


@st.composite
def binary(draw: st.DrawFn, *, operator: str) -> Adder:
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    other = shape
    kind = draw(st.sampled_from(["same", "same", "broadcast", "shorter"]))
    if kind == "broadcast":
        other = tuple(size if draw(st.booleans()) else 1 for size in shape)
    elif kind == "shorter":
        other = shape[draw(st.integers(0, len(shape) - 1)) :]
    first, second = draw(EDGES), draw(EDGES)
    if draw(st.booleans()):
        second = Edge(float(np.float32(first.scale * draw(ratios(-4, 4)))), second.zero_point)
    edges = first, second
    stretch, zero_point, activation = draw(ratios(-4, 4)), draw(ZERO_POINTS), draw(ACTIVATIONS)
    constant, swapped, seed = draw(st.booleans()), draw(st.booleans()), draw(SEEDS)
    if operator == "ADD":
        # The reference refuses to add when the output's step is 2**20 times finer than the inputs'.
        scale = max(edge.scale for edge in edges) * stretch
    else:
        scale = edges[0].scale * edges[1].scale * 64 * stretch

    def add(graph: Graph, name: str) -> str:
        a = graph.input(f"{name}/a", shape, **edges[0].named())
        if constant:
            values = np.random.default_rng(seed).integers(-128, 128, other, np.int8)
            scales, zeros = (edges[1].scale,), (edges[1].zero_point,)
            b = graph.constant(f"{name}/b", values, scales=scales, zero_points=zeros)
        else:
            b = graph.input(f"{name}/b", other, **edges[1].named())
        return graph.add(
            operator,
            (b, a) if swapped else (a, b),
            name,
            shape,
            scale=float(np.float32(scale)),
            zero_point=zero_point,
            options={"fused_activation_function": activation},
        )

    return add


@st.composite
def pool(draw: st.DrawFn, *, operator: str) -> Adder:
    height, width, channels = draw(SIDES), draw(SIDES), draw(CHANNELS)
    window_h, window_w = draw(st.integers(1, min(5, height))), draw(st.integers(1, min(5, width)))
    step_h, step_w, padding = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(PADDINGS)
    edge, activation = draw(EDGES), draw(ACTIVATIONS)
    options: Mapping[str, object] = {
        "padding": padding,
        "stride_h": step_h,
        "stride_w": step_w,
        "filter_height": window_h,
        "filter_width": window_w,
        "fused_activation_function": activation,
    }
    out = _out_size(height, window_h, step_h, 1, padding), _out_size(width, window_w, step_w, 1, padding)

    def add(graph: Graph, name: str) -> str:
        x = graph.input(f"{name}/x", (1, height, width, channels), **edge.named())
        return graph.add(operator, (x,), name, (1, *out, channels), options=options, **edge.named())

    return add


@st.composite
def mean(draw: st.DrawFn) -> Adder:
    shape = (1, draw(SIDES), draw(SIDES), draw(CHANNELS))
    axes = draw(st.sampled_from([(1, 2), (2, 1), (1,), (2,), (3,), (-1,), (2, 3), (1, 2, 3), (-3, -2)]))
    source, target, keep = draw(EDGES), draw(EDGES), draw(st.booleans())
    scale = float(np.float32(source.scale * draw(ratios(-4, 3))))
    resolved = {axis % 4 for axis in axes}
    out = [1 if axis in resolved else size for axis, size in enumerate(shape) if keep or axis not in resolved]

    def add(graph: Graph, name: str) -> str:
        x = graph.input(f"{name}/x", shape, **source.named())
        indices = graph.constant(f"{name}/axes", np.array(axes, np.int32))
        return graph.add(
            "MEAN",
            (x, indices),
            name,
            out,
            scale=scale,
            zero_point=target.zero_point,
            options={"keep_dims": keep},
        )

    return add


@st.composite
def concatenation(draw: st.DrawFn) -> Adder:
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    axis, edge = draw(st.integers(0, len(shape) - 1)), draw(EDGES)
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5))
    constant, seed, negative = draw(st.booleans()), draw(SEEDS), draw(st.booleans())

    def add(graph: Graph, name: str) -> str:
        parts = []
        for index, size in enumerate(sizes):
            part = [*shape[:axis], size, *shape[axis + 1 :]]
            if constant and index == 1:
                values = np.random.default_rng(seed).integers(-128, 128, part, np.int8)
                scales, zeros = (edge.scale,), (edge.zero_point,)
                parts.append(graph.constant(f"{name}/{index}", values, scales=scales, zero_points=zeros))
            else:
                parts.append(graph.input(f"{name}/{index}", part, **edge.named()))
        out = [*shape[:axis], sum(sizes), *shape[axis + 1 :]]
        options = {"axis": axis - len(shape) if negative else axis}
        return graph.add("CONCATENATION", parts, name, out, options=options, **edge.named())

    return add


@st.composite
def pad(draw: st.DrawFn) -> Adder:
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    paddings = [(draw(st.integers(0, 3)), draw(st.integers(0, 3))) for _ in shape]
    edge = draw(EDGES)
    value = draw(st.one_of(st.none(), st.integers(-128, 127)))

    def add(graph: Graph, name: str) -> str:
        x = graph.input(f"{name}/x", shape, **edge.named())
        inputs = [x, graph.constant(f"{name}/paddings", np.array(paddings, np.int32))]
        if value is not None:
            filling = np.array([value], np.int8)
            scales, zeros = (edge.scale,), (edge.zero_point,)
            inputs.append(graph.constant(f"{name}/value", filling, scales=scales, zero_points=zeros))
        out = [size + before + after for size, (before, after) in zip(shape, paddings, strict=True)]
        return graph.add("PAD" if value is None else "PADV2", inputs, name, out, **edge.named())

    return add


@st.composite
def unary(draw: st.DrawFn, *, operator: str) -> Adder:
    shape = (*draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)), 97)
    source, target = draw(EDGES), draw(EDGES)
    scale = float(np.float32(source.scale * draw(ratios(-4, 4))))
    options: dict[str, object] = {}
    if operator in ("LOGISTIC", "SOFTMAX"):
        scale, target = 1 / 256, Edge(1.0, -128)
    if operator == "SOFTMAX":
        options["beta"] = draw(st.floats(0.125, 4, width=32))
        shape = (*shape[:-1], draw(st.integers(1, 40)))
    if operator == "HARD_SWISH":
        # The reference needs an output step of at least 1/128 of the input's.
        scale = float(np.float32(source.scale * draw(ratios(-6, 4))))
    if operator == "LEAKY_RELU":
        options["alpha"] = float(np.float32(draw(st.sampled_from([-1, -1, 0, 1, 1])) * draw(ratios(-6, 1))))

    def add(graph: Graph, name: str) -> str:
        x = graph.input(f"{name}/x", shape, **source.named())
        return graph.add(
            operator, (x,), name, shape, scale=scale, zero_point=target.zero_point, options=options
        )

    return add


@st.composite
def resize(draw: st.DrawFn, *, operator: str) -> Adder:
    height, width, channels = draw(SIDES), draw(SIDES), draw(CHANNELS)
    out = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    corners, half = draw(st.sampled_from([(False, False), (True, False), (False, True)]))
    edge = draw(EDGES)

    def add(graph: Graph, name: str) -> str:
        x = graph.input(f"{name}/x", (1, height, width, channels), **edge.named())
        size = graph.constant(f"{name}/size", np.array(out, np.int32))
        options = {"align_corners": corners, "half_pixel_centers": half}
        return graph.add(operator, (x, size), name, (1, *out, channels), options=options, **edge.named())

    return add


@st.composite
def block(draw: st.DrawFn, *, operator: str) -> Adder:
    side, height, width, channels = draw(st.integers(1, 3)), draw(SIDES), draw(SIDES), draw(CHANNELS)
    edge = draw(EDGES)
    small, large = (1, height, width, channels * side * side), (1, height * side, width * side, channels)
    shape, out = (large, small) if operator == "SPACE_TO_DEPTH" else (small, large)

    def add(graph: Graph, name: str) -> str:
        x = graph.input(f"{name}/x", shape, **edge.named())
        return graph.add(operator, (x,), name, out, options={"block_size": side}, **edge.named())

    return add


@st.composite
def reshape(draw: st.DrawFn) -> Adder:
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    edge, count = draw(EDGES), int(np.prod(shape))

    def add(graph: Graph, name: str) -> str:
        x = graph.input(f"{name}/x", shape, **edge.named())
        new = graph.constant(f"{name}/shape", np.array([1, count], np.int32))
        options = {"new_shape": [1, count]}
        return graph.add("RESHAPE", (x, new), name, (1, count), options=options, **edge.named())

    return add


OPERATORS: dict[str, st.SearchStrategy[Adder]] = {
    "ADD": binary(operator="ADD"),
    "AVERAGE_POOL_2D": pool(operator="AVERAGE_POOL_2D"),
    "CONCATENATION": concatenation(),
    "CONV_2D": conv(),
    "DEPTHWISE_CONV_2D": conv(depthwise=True),
    "DEPTH_TO_SPACE": block(operator="DEPTH_TO_SPACE"),
    "FULLY_CONNECTED": fully_connected(),
    "HARD_SWISH": unary(operator="HARD_SWISH"),
    "LEAKY_RELU": unary(operator="LEAKY_RELU"),
    "LOGISTIC": unary(operator="LOGISTIC"),
    "MAX_POOL_2D": pool(operator="MAX_POOL_2D"),
    "MEAN": mean(),
    "MUL": binary(operator="MUL"),
    "PAD": pad(),
    "QUANTIZE": unary(operator="QUANTIZE"),
    "RELU": unary(operator="RELU"),
    "RELU6": unary(operator="RELU6"),
    "RESHAPE": reshape(),
    "RESIZE_BILINEAR": resize(operator="RESIZE_BILINEAR"),
    "RESIZE_NEAREST_NEIGHBOR": resize(operator="RESIZE_NEAREST_NEIGHBOR"),
    "SOFTMAX": unary(operator="SOFTMAX"),
    "SPACE_TO_DEPTH": block(operator="SPACE_TO_DEPTH"),
    "TRANSPOSE_CONV": transpose_conv(),
}
