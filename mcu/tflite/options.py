"""Options of the operators, decoded into frozen dataclasses (TensorFlow Lite's schema.fbs, version 3)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from mcu.tflite.flat import damaged, integers

Activation = Literal["NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT"]
Padding = Literal["SAME", "VALID"]


@dataclass(frozen=True)
class Options:
    """Base; operators without parameters have it as it is."""


@dataclass(frozen=True)
class ActivationOptions(Options):
    """ADD, SUB, MUL, DIV."""

    activation: Activation


@dataclass(frozen=True)
class Conv2DOptions(Options):
    padding: Padding
    stride_height: int
    stride_width: int
    dilation_height: int
    dilation_width: int
    activation: Activation


@dataclass(frozen=True)
class DepthwiseConv2DOptions(Options):
    padding: Padding
    stride_height: int
    stride_width: int
    dilation_height: int
    dilation_width: int
    depth_multiplier: int
    activation: Activation


@dataclass(frozen=True)
class TransposeConvOptions(Options):
    padding: Padding
    stride_height: int
    stride_width: int
    activation: Activation


@dataclass(frozen=True)
class FullyConnectedOptions(Options):
    keep_num_dims: bool
    activation: Activation


@dataclass(frozen=True)
class Pool2DOptions(Options):
    """MAX_POOL_2D, AVERAGE_POOL_2D, L2_POOL_2D."""

    padding: Padding
    stride_height: int
    stride_width: int
    filter_height: int
    filter_width: int
    activation: Activation


@dataclass(frozen=True)
class ReducerOptions(Options):
    """MEAN, SUM, REDUCE_MAX."""

    keep_dims: bool


@dataclass(frozen=True)
class ConcatenationOptions(Options):
    axis: int
    activation: Activation


@dataclass(frozen=True)
class ReshapeOptions(Options):
    new_shape: tuple[int, ...]


@dataclass(frozen=True)
class SoftmaxOptions(Options):
    beta: float


@dataclass(frozen=True)
class LeakyReluOptions(Options):
    alpha: float


@dataclass(frozen=True)
class ResizeOptions(Options):
    """RESIZE_BILINEAR, RESIZE_NEAREST_NEIGHBOR."""

    align_corners: bool
    half_pixel_centers: bool


@dataclass(frozen=True)
class BlockOptions(Options):
    """SPACE_TO_DEPTH, DEPTH_TO_SPACE."""

    block_size: int


@dataclass(frozen=True)
class StridedSliceOptions(Options):
    begin_mask: int
    end_mask: int
    ellipsis_mask: int
    new_axis_mask: int
    shrink_axis_mask: int
    offset: bool


@dataclass(frozen=True)
class PackOptions(Options):
    values_count: int
    axis: int


@dataclass(frozen=True)
class UnpackOptions(Options):
    num: int
    axis: int


@dataclass(frozen=True)
class SplitOptions(Options):
    num_splits: int


@dataclass(frozen=True)
class SqueezeOptions(Options):
    squeeze_dims: tuple[int, ...]


@dataclass(frozen=True)
class OptionsRow:
    """How the options of an operator are stored: the schema's table and what reads it."""

    table: str  # the class of the `tflite` package; "" if the operator has no table of its own
    decode: Callable[[Any], Options]


_ACTIVATIONS: tuple[Activation, ...] = ("NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH", "SIGN_BIT")
_PADDINGS: tuple[Padding, ...] = ("SAME", "VALID")


def _activation(table: Any) -> Activation:
    value = table.FusedActivationFunction()
    if not 0 <= value < len(_ACTIVATIONS):
        raise damaged(f"an operator has the activation {value}")
    return _ACTIVATIONS[value]


def _padding(table: Any) -> Padding:
    value = table.Padding()
    if not 0 <= value < len(_PADDINGS):
        raise damaged(f"an operator has the padding {value}")
    return _PADDINGS[value]


def _positive(value: int, what: str) -> int:
    # Kernels divide by strides and filter sizes: a zero would end the process.
    if value < 1:
        raise damaged(f"an operator has the {what} {value}")
    return value


def _finite(value: float, what: str) -> float:
    if not math.isfinite(value):
        raise damaged(f"an operator has the {what} {value}")
    return value


def _conv(table: Any) -> Options:
    return Conv2DOptions(
        _padding(table),
        _positive(table.StrideH(), "stride"),
        _positive(table.StrideW(), "stride"),
        _positive(table.DilationHFactor(), "dilation"),
        _positive(table.DilationWFactor(), "dilation"),
        _activation(table),
    )


def _depthwise(table: Any) -> Options:
    return DepthwiseConv2DOptions(
        _padding(table),
        _positive(table.StrideH(), "stride"),
        _positive(table.StrideW(), "stride"),
        _positive(table.DilationHFactor(), "dilation"),
        _positive(table.DilationWFactor(), "dilation"),
        table.DepthMultiplier(),  # converters may write 0; kernels take it from the shapes
        _activation(table),
    )


def _transpose_conv(table: Any) -> Options:
    return TransposeConvOptions(
        _padding(table),
        _positive(table.StrideH(), "stride"),
        _positive(table.StrideW(), "stride"),
        _activation(table),
    )


def _pool(table: Any) -> Options:
    return Pool2DOptions(
        _padding(table),
        _positive(table.StrideH(), "stride"),
        _positive(table.StrideW(), "stride"),
        _positive(table.FilterHeight(), "filter size"),
        _positive(table.FilterWidth(), "filter size"),
        _activation(table),
    )


def _strided_slice(table: Any) -> Options:
    return StridedSliceOptions(
        table.BeginMask(),
        table.EndMask(),
        table.EllipsisMask(),
        table.NewAxisMask(),
        table.ShrinkAxisMask(),
        table.Offset(),
    )


_NONE = OptionsRow("", lambda table: Options())
_BINARY = {
    name: OptionsRow(f"{name.title()}Options", lambda table: ActivationOptions(_activation(table)))
    for name in ("ADD", "SUB", "MUL", "DIV")
}
_POOL = OptionsRow("Pool2DOptions", _pool)
_REDUCER = OptionsRow("ReducerOptions", lambda table: ReducerOptions(table.KeepDims()))

OPTIONS: dict[str, OptionsRow] = {
    **_BINARY,
    "AVERAGE_POOL_2D": _POOL,
    "CONCATENATION": OptionsRow(
        "ConcatenationOptions", lambda table: ConcatenationOptions(table.Axis(), _activation(table))
    ),
    "CONV_2D": OptionsRow("Conv2DOptions", _conv),
    "DEPTHWISE_CONV_2D": OptionsRow("DepthwiseConv2DOptions", _depthwise),
    "DEPTH_TO_SPACE": OptionsRow(
        "DepthToSpaceOptions", lambda table: BlockOptions(_positive(table.BlockSize(), "block size"))
    ),
    "DEQUANTIZE": _NONE,
    "FULLY_CONNECTED": OptionsRow(
        "FullyConnectedOptions",
        lambda table: FullyConnectedOptions(table.KeepNumDims(), _activation(table)),
    ),
    "HARD_SWISH": _NONE,
    "LEAKY_RELU": OptionsRow(
        "LeakyReluOptions", lambda table: LeakyReluOptions(_finite(table.Alpha(), "alpha"))
    ),
    "LOGISTIC": _NONE,
    "L2_POOL_2D": _POOL,
    "MAX_POOL_2D": _POOL,
    "MEAN": _REDUCER,
    "PACK": OptionsRow("PackOptions", lambda table: PackOptions(table.ValuesCount(), table.Axis())),
    "PAD": _NONE,
    "PADV2": _NONE,
    "PRELU": _NONE,
    "QUANTIZE": _NONE,
    "REDUCE_MAX": _REDUCER,
    "RELU": _NONE,
    "RELU6": _NONE,
    "RESHAPE": OptionsRow("ReshapeOptions", lambda table: ReshapeOptions(integers(table.NewShapeAsNumpy()))),
    "RESIZE_BILINEAR": OptionsRow(
        "ResizeBilinearOptions", lambda table: ResizeOptions(table.AlignCorners(), table.HalfPixelCenters())
    ),
    "RESIZE_NEAREST_NEIGHBOR": OptionsRow(
        "ResizeNearestNeighborOptions",
        lambda table: ResizeOptions(table.AlignCorners(), table.HalfPixelCenters()),
    ),
    "SHAPE": _NONE,
    "SOFTMAX": OptionsRow("SoftmaxOptions", lambda table: SoftmaxOptions(_finite(table.Beta(), "beta"))),
    "SPACE_TO_DEPTH": OptionsRow(
        "SpaceToDepthOptions", lambda table: BlockOptions(_positive(table.BlockSize(), "block size"))
    ),
    "SPLIT": OptionsRow("SplitOptions", lambda table: SplitOptions(_positive(table.NumSplits(), "split"))),
    "SQUEEZE": OptionsRow(
        "SqueezeOptions", lambda table: SqueezeOptions(integers(table.SqueezeDimsAsNumpy()))
    ),
    "STRIDED_SLICE": OptionsRow("StridedSliceOptions", _strided_slice),
    "SUM": _REDUCER,
    "TANH": _NONE,
    "TRANSPOSE": _NONE,
    "TRANSPOSE_CONV": OptionsRow("TransposeConvOptions", _transpose_conv),
    "UNPACK": OptionsRow("UnpackOptions", lambda table: UnpackOptions(table.Num(), table.Axis())),
}

# Tables that may be left out: the schema's defaults then hold.
OPTIONAL = frozenset({"RESHAPE", "ADD", "SUB", "MUL", "DIV"})
