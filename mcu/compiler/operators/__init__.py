"""One emit function per operator: .tflite operator → `Stage`. Adding one: docs/how_to/add_an_operator.md."""

from __future__ import annotations

from collections.abc import Callable

from mcu.compiler.operators import conv, elementwise, pool, reduce, reshape, resize, transpose_conv
from mcu.compiler.stage import Context, Stage
from mcu.tflite import TfliteOperator

EMITTERS: dict[str, Callable[[Context, TfliteOperator], Stage]] = {
    "ADD": elementwise.add,
    "AVERAGE_POOL_2D": pool.average_pool,
    "CONCATENATION": reshape.concatenation,
    "CONV_2D": conv.conv_2d,
    "DEPTHWISE_CONV_2D": conv.depthwise_conv_2d,
    "DEPTH_TO_SPACE": reshape.depth_to_space,
    "FULLY_CONNECTED": conv.fully_connected,
    "HARD_SWISH": elementwise.hard_swish,
    "LEAKY_RELU": elementwise.leaky_relu,
    "LOGISTIC": elementwise.logistic,
    "MAX_POOL_2D": pool.max_pool,
    "MEAN": reduce.mean,
    "MUL": elementwise.mul,
    "PAD": reshape.pad,
    "PADV2": reshape.pad,
    "QUANTIZE": elementwise.quantize,
    "RELU": elementwise.relu,
    "RELU6": elementwise.relu6,
    "RESIZE_BILINEAR": resize.bilinear,
    "RESIZE_NEAREST_NEIGHBOR": resize.nearest,
    "SOFTMAX": reduce.softmax,
    "SPACE_TO_DEPTH": reshape.space_to_depth,
    "TRANSPOSE_CONV": transpose_conv.transpose_conv,
}

# Operators that leave the bytes where they are: their output is another name for their input.
ALIASES = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS"})
