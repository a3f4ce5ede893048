"""MobileNetV2 written with the FlatBuffers schema: the real shapes, random weights (arXiv 1801.04381, table 2)."""

from __future__ import annotations

from functools import cache

import numpy as np

from tests.tflite_writer import Graph

# expansion, channels at width 0.35, repeats, first stride
BLOCKS = (
    (1, 8, 1, 1),
    (6, 8, 2, 2),
    (6, 16, 3, 2),
    (6, 24, 4, 2),
    (6, 32, 3, 1),
    (6, 56, 3, 2),
    (6, 112, 1, 1),
)
STEM_CHANNELS, HEAD_CHANNELS = 16, 1280


class _Builder:
    """Adds layers one after the other; every tensor has a range that random weights fill."""

    def __init__(self, side: int):
        self.graph = Graph()
        self.rng = np.random.default_rng(11)
        self.name = self.graph.input("image", (1, side, side, 3), scale=1 / 128, zero_point=-1)
        self.shape, self.scale, self.count = (1, side, side, 3), 1 / 128, 0

    def conv(
        self, channels: int, *, window: int = 1, stride: int = 1, relu6: bool = True, depthwise: bool = False
    ) -> None:
        _, height, width, depth = self.shape
        channels = depth if depthwise else channels
        shape = (1, window, window, channels) if depthwise else (channels, window, window, depth)
        taps = window * window * (1 if depthwise else depth)
        scales = self.rng.uniform(0.5, 1.5, channels) / (73 * np.sqrt(taps))
        self.count += 1
        weights = self.graph.constant(
            f"w{self.count}",
            self.rng.integers(-127, 128, shape, np.int8),
            scales=scales.tolist(),
            zero_points=(0,) * channels,
            quantized_dimension=3 if depthwise else 0,
        )
        bias = self.graph.constant(
            f"b{self.count}",
            self.rng.integers(-3000, 3000, channels, np.int32),
            scales=(scales * self.scale).tolist(),
            zero_points=(0,) * channels,
        )
        options: dict[str, object] = {
            "padding": "SAME",
            "stride_h": stride,
            "stride_w": stride,
            "dilation_h_factor": 1,
            "dilation_w_factor": 1,
            "fused_activation_function": "RELU6" if relu6 else "NONE",
        }
        if depthwise:
            options["depth_multiplier"] = 1
        self.shape = (1, -(-height // stride), -(-width // stride), channels)
        self.scale = 6 / 255 if relu6 else 8 / 255
        self.name = self.graph.add(
            "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D",
            (self.name, weights, bias),
            f"conv{self.count}",
            self.shape,
            scale=self.scale,
            zero_point=-128 if relu6 else 3,
            options=options,
        )

    def add(self, other: str) -> None:
        self.scale = 10 / 255
        name = f"add{self.count}"
        self.name = self.graph.add(
            "ADD", (other, self.name), name, self.shape, scale=self.scale, zero_point=-4
        )


@cache
def mobilenet_v2(*, side: int = 96, classes: int = 10) -> bytes:
    """MobileNetV2 0.35 with a mean, a dense layer and a softmax."""
    net = _Builder(side)
    net.conv(STEM_CHANNELS, window=3, stride=2)
    for expansion, channels, repeats, first_stride in BLOCKS:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            before, depth = net.name, net.shape[3]
            if expansion > 1:
                net.conv(depth * expansion)
            net.conv(0, window=3, stride=stride, depthwise=True)
            net.conv(channels, relu6=False)
            if stride == 1 and depth == channels:
                net.add(before)
    net.conv(HEAD_CHANNELS)
    graph = net.graph
    axes = graph.constant("axes", np.array([1, 2], np.int32))
    mean = graph.add(
        "MEAN", (net.name, axes), "mean", (1, HEAD_CHANNELS), scale=net.scale / 2, zero_point=-128
    )
    weights = graph.constant(
        "dense/w",
        net.rng.integers(-127, 128, (classes, HEAD_CHANNELS), np.int8),
        scales=(0.001,),
        zero_points=(0,),
    )
    logits = graph.add("FULLY_CONNECTED", (mean, weights), "logits", (1, classes), scale=0.05, zero_point=10)
    answer = graph.add(
        "SOFTMAX", (logits,), "softmax", (1, classes), scale=1 / 256, zero_point=-128, options={"beta": 1.0}
    )
    return graph.build(outputs=(answer,))
