"""What each operator of a .tflite file means in real numbers, in NumPy (TensorFlow Lite's reference kernels for float).

Tensors are float64, images (batch, height, width, channels), weights as the file stores them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from mcu.tflite import TfliteOperator

Array = np.ndarray
Inputs = Sequence[Array | None]
Compute = Callable[[Any, Inputs, tuple[int, ...]], Array]
"""(options, inputs, shape of the output) → the output."""

_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "NONE": lambda x: x,
    "RELU": lambda x: np.maximum(x, 0),
    "RELU_N1_TO_1": lambda x: np.clip(x, -1, 1),
    "RELU6": lambda x: np.clip(x, 0, 6),
    "TANH": np.tanh,
}


def compute(operator: TfliteOperator, inputs: Inputs, shape: tuple[int, ...]) -> Array | None:
    """The operator's one output, its fused activation included; None for an operator that is not in the table."""
    rule = OPERATORS.get(operator.name)
    if rule is None:
        return None
    activation = getattr(operator.options, "activation", "NONE")
    if activation not in _ACTIVATIONS:
        return None
    return _ACTIVATIONS[activation](rule(operator.options, inputs, shape))


def _needed(inputs: Inputs, at: int) -> Array:
    found = inputs[at]
    assert found is not None, "the graph was checked"
    return found


def _with_bias(y: Array, inputs: Inputs, at: int) -> Array:
    bias = inputs[at] if at < len(inputs) else None
    return y if bias is None else y + bias


def _pads(size: int, out: int, *, window: int, stride: int, padding: str) -> tuple[int, int]:
    total = max((out - 1) * stride + window - size, 0) if padding == "SAME" else 0
    return total // 2, total - total // 2


def _padded(x: Array, options: Any, shape: tuple[int, ...], window: tuple[int, int], value: float) -> Array:
    pads = [
        _pads(x.shape[axis], shape[axis], window=window[axis - 1], stride=stride, padding=options.padding)
        for axis, stride in ((1, options.stride_height), (2, options.stride_width))
    ]
    return np.pad(x, ((0, 0), *pads, (0, 0)), constant_values=value)


def _taps(
    x: Array, options: Any, shape: tuple[int, ...], size: tuple[int, int]
) -> Iterator[tuple[int, int, Array]]:
    """Each tap of a window of `size`, with what it sees at every output position."""
    dilation = getattr(options, "dilation_height", 1), getattr(options, "dilation_width", 1)
    window = tuple((side - 1) * apart + 1 for side, apart in zip(size, dilation, strict=True))
    padded = _padded(x, options, shape, (window[0], window[1]), 0.0)
    rows, columns = shape[1] * options.stride_height, shape[2] * options.stride_width
    for i in range(size[0]):
        for j in range(size[1]):
            top, left = i * dilation[0], j * dilation[1]
            yield (
                i,
                j,
                padded[
                    :, top : top + rows : options.stride_height, left : left + columns : options.stride_width
                ],
            )


def _conv(options: Any, inputs: Inputs, shape: tuple[int, ...]) -> Array:
    x, kernel = _needed(inputs, 0), _needed(inputs, 1)
    filters, height, width, depth = kernel.shape
    groups = x.shape[3] // depth
    y = np.zeros((*shape[:3], filters))
    for i, j, seen in _taps(x, options, shape, (height, width)):
        for group in range(groups):
            out = slice(group * filters // groups, (group + 1) * filters // groups)
            y[..., out] += seen[..., group * depth : (group + 1) * depth] @ kernel[out, i, j].T
    return _with_bias(y, inputs, 2)


def _depthwise(options: Any, inputs: Inputs, shape: tuple[int, ...]) -> Array:
    x, kernel = _needed(inputs, 0), _needed(inputs, 1)
    channels = x.shape[3]
    y = np.zeros((*shape[:3], channels, shape[3] // channels))
    for i, j, seen in _taps(x, options, shape, (kernel.shape[1], kernel.shape[2])):
        y += seen[..., None] * kernel[0, i, j].reshape(channels, -1)
    return _with_bias(y.reshape(shape), inputs, 2)


def _transpose_conv(options: Any, inputs: Inputs, shape: tuple[int, ...]) -> Array:
    kernel, x = _needed(inputs, 1), _needed(inputs, 2)
    filters, height, width, _ = kernel.shape
    strides = options.stride_height, options.stride_width
    rows, columns = ((x.shape[axis] - 1) * strides[axis - 1] for axis in (1, 2))
    canvas = np.zeros((x.shape[0], rows + max(height, strides[0]), columns + max(width, strides[1]), filters))
    for i in range(height):
        for j in range(width):
            canvas[:, i : i + rows + 1 : strides[0], j : j + columns + 1 : strides[1]] += (
                x @ kernel[:, i, j].T
            )
    top, left = (
        _pads(shape[axis], x.shape[axis], window=side, stride=strides[axis - 1], padding=options.padding)[0]
        for axis, side in ((1, height), (2, width))
    )
    return _with_bias(canvas[:, top : top + shape[1], left : left + shape[2]], inputs, 3)


def _dense(options: Any, inputs: Inputs, shape: tuple[int, ...]) -> Array:
    kernel = _needed(inputs, 1)
    y = _needed(inputs, 0).reshape(-1, kernel.shape[1]) @ kernel.T
    return _with_bias(y, inputs, 2).reshape(shape)


def _pool(reduce: Callable[..., Array], outside: float) -> Compute:
    def pool(options: Any, inputs: Inputs, shape: tuple[int, ...]) -> Array:
        size = options.filter_height, options.filter_width
        x = _padded(_needed(inputs, 0), options, shape, size, outside)
        windows = sliding_window_view(x, size, axis=(1, 2))[
            :, :: options.stride_height, :: options.stride_width
        ]
        return reduce(windows, axis=(-2, -1))[:, : shape[1], : shape[2]]

    return pool


def _reduce(over: Callable[..., Array]) -> Compute:
    def reduced(options: Any, inputs: Inputs, shape: tuple[int, ...]) -> Array:
        axes = tuple(int(axis) for axis in np.ravel(_needed(inputs, 1)))
        return over(_needed(inputs, 0), axis=axes, keepdims=options.keep_dims)

    return reduced


def _pad(options: Any, inputs: Inputs, shape: tuple[int, ...]) -> Array:
    amounts = _needed(inputs, 1).astype(int).reshape(-1, 2)
    value = float(np.ravel(_needed(inputs, 2))[0]) if len(inputs) > 2 else 0.0
    return np.pad(_needed(inputs, 0), [(int(a), int(b)) for a, b in amounts], constant_values=value)


def _space_to_depth(options: Any, inputs: Inputs, shape: tuple[int, ...]) -> Array:
    side = options.block_size
    x = _needed(inputs, 0).reshape(shape[0], shape[1], side, shape[2], side, -1)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(shape)


def _depth_to_space(options: Any, inputs: Inputs, shape: tuple[int, ...]) -> Array:
    side = options.block_size
    x = _needed(inputs, 0).reshape(shape[0], shape[1] // side, shape[2] // side, side, side, -1)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(shape)


def _positions(size: int, out: int, options: Any) -> Array:
    """Where each output position lies in the input."""
    if options.align_corners and out > 1:
        return np.arange(out) * (size - 1) / (out - 1)
    if options.half_pixel_centers:
        return (np.arange(out) + 0.5) * size / out - 0.5
    return np.arange(out) * size / out


def _resize_bilinear(options: Any, inputs: Inputs, shape: tuple[int, ...]) -> Array:
    x = _needed(inputs, 0)
    for axis in (1, 2):
        at = np.maximum(_positions(x.shape[axis], shape[axis], options), 0)
        low = np.minimum(np.floor(at).astype(int), x.shape[axis] - 1)
        high = np.minimum(low + 1, x.shape[axis] - 1)
        share = (at - low).reshape([-1 if each == axis else 1 for each in range(4)])
        x = np.take(x, low, axis) * (1 - share) + np.take(x, high, axis) * share
    return x


def _resize_nearest(options: Any, inputs: Inputs, shape: tuple[int, ...]) -> Array:
    x = _needed(inputs, 0)
    for axis in (1, 2):
        size, out = x.shape[axis], shape[axis]
        if options.align_corners and out > 1:
            at = np.floor(np.arange(out) * (size - 1) / (out - 1) + 0.5)
        else:
            at = np.floor((np.arange(out) + (0.5 if options.half_pixel_centers else 0.0)) * size / out)
        x = np.take(x, np.clip(at.astype(int), 0, size - 1), axis)
    return x


def _softmax(options: Any, inputs: Inputs, shape: tuple[int, ...]) -> Array:
    x = options.beta * _needed(inputs, 0)
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _one(function: Callable[[Array], Array]) -> Compute:
    return lambda options, inputs, shape: function(_needed(inputs, 0))


def _two(function: Callable[[Array, Array], Array]) -> Compute:
    return lambda options, inputs, shape: function(_needed(inputs, 0), _needed(inputs, 1))


OPERATORS: dict[str, Compute] = {
    "ADD": _two(np.add),
    "AVERAGE_POOL_2D": _pool(np.nanmean, np.nan),  # what is padded does not count
    "CONCATENATION": lambda options, inputs, shape: np.concatenate(inputs, axis=options.axis),  # type: ignore[arg-type]
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "DEPTH_TO_SPACE": _depth_to_space,
    "DEQUANTIZE": _one(lambda x: x),
    "FULLY_CONNECTED": _dense,
    "HARD_SWISH": _one(lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "LEAKY_RELU": lambda options, inputs, shape: np.where(
        _needed(inputs, 0) > 0, _needed(inputs, 0), options.alpha * _needed(inputs, 0)
    ),
    "LOGISTIC": _one(lambda x: 1 / (1 + np.exp(-np.clip(x, -700, 700)))),
    "MAX_POOL_2D": _pool(np.max, -np.inf),
    "MEAN": _reduce(np.mean),
    "MUL": _two(np.multiply),
    "PAD": _pad,
    "PADV2": _pad,
    "QUANTIZE": _one(lambda x: x),
    "REDUCE_MAX": _reduce(np.max),
    "RELU": _one(lambda x: np.maximum(x, 0)),
    "RELU6": _one(lambda x: np.clip(x, 0, 6)),
    "RESHAPE": lambda options, inputs, shape: _needed(inputs, 0).reshape(shape),
    "RESIZE_BILINEAR": _resize_bilinear,
    "RESIZE_NEAREST_NEIGHBOR": _resize_nearest,
    "SOFTMAX": _softmax,
    "SPACE_TO_DEPTH": _space_to_depth,
    "SQUEEZE": lambda options, inputs, shape: _needed(inputs, 0).reshape(shape),
    "SUB": _two(np.subtract),
    "SUM": _reduce(np.sum),
    "TANH": _one(np.tanh),
    "TRANSPOSE": lambda options, inputs, shape: _needed(inputs, 0).transpose(
        np.ravel(_needed(inputs, 1)).astype(int)
    ),
    "TRANSPOSE_CONV": _transpose_conv,
}
