"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED → kt_conv.h, kt_depthwise.h."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from mcu.compiler.operators.common import (
    channels,
    check_output_size,
    check_window,
    image_tensors,
    window_padding,
)
from mcu.compiler.problems import require_type, unsupported
from mcu.compiler.stage import Constant, Context, Kernel, Stage, Value
from mcu.tflite import TfliteOperator, TfliteTensor
from mcu.tflite.options import Conv2DOptions, DepthwiseConv2DOptions, FullyConnectedOptions

CONV = Kernel("kt_conv_row", "kt_conv", "kt_conv.h", "kt_conv.c")
CONV_DSP = Kernel("kt_conv_row_dsp", "kt_conv_fast", "kt_conv.h", "kt_conv_dsp.c")
DEPTHWISE = Kernel("kt_depthwise_row", "kt_depthwise", "kt_depthwise.h", "kt_depthwise.c")
DEPTHWISE_DSP = Kernel(
    "kt_depthwise_3x3_row_dsp", "kt_depthwise_fast", "kt_depthwise.h", "kt_depthwise_dsp.c"
)
DEPTHWISE_PLANE_DSP = replace(DEPTHWISE_DSP, function="kt_depthwise_3x3_plane_dsp")
DEPTHWISE_RELU_DSP = replace(DEPTHWISE_DSP, function="kt_depthwise_3x3_row_relu_dsp")
DEPTHWISE_PLANE_RELU_DSP = replace(DEPTHWISE_DSP, function="kt_depthwise_3x3_plane_relu_dsp")
DSP_PIXELS = 6  # that kt_conv_dsp.c widens at once
DSP_LEAST_PIXELS = 2  # fewer leave most of such a block empty, and the portable kernel is no slower


def conv_2d(context: Context, operator: TfliteOperator) -> Stage:
    options = operator.options
    assert isinstance(options, Conv2DOptions)
    source, target = image_tensors(context, operator)
    weights = _weights(context, operator, 4)
    out_channels, window_h, window_w, in_channels = weights.shape
    if in_channels != source.shape[3]:
        raise unsupported(
            context.model,
            operator,
            f"has weights for {in_channels} channels and an input of {source.shape[3]}",
        )
    _check_steps(context, operator, options, window_h)
    out_height, pad_top = window_padding(
        source.shape[1], window_h, options.stride_height, options.dilation_height, options.padding
    )
    out_width, pad_left = window_padding(
        source.shape[2], window_w, options.stride_width, options.dilation_width, options.padding
    )
    check_output_size(context, operator, target, (1, out_height, out_width, out_channels))
    stage = _convolution(
        context,
        operator,
        weights=weights,
        activation=options.activation,
        source=source,
        target=target,
        in_size=(source.shape[1], source.shape[2], in_channels),
        out_size=(out_height, out_width, out_channels),
        steps=(options.stride_height, options.stride_width),
        dilations=(options.dilation_height, options.dilation_width),
        pads=(pad_top, pad_left),
    )
    if (window_h, window_w, *_steps(options)) != (1, 1, 1, 1):
        return stage
    pixels = source.shape[1] * source.shape[2]
    fields = {**stage.fields, "in_width": pixels, "out_width": pixels}
    flat = replace(
        stage,
        fields=fields,
        in_height=1,
        out_height=1,
        in_row_bytes=source.nbytes,
        out_row_bytes=target.nbytes,
    )
    return replace(stage, flat=flat)


def _check_steps(
    context: Context, operator: TfliteOperator, options: Conv2DOptions | DepthwiseConv2DOptions, window: int
) -> None:
    numbers = (options.stride_height, options.stride_width, options.dilation_height, options.dilation_width)
    check_window(context, operator, window=window, numbers=numbers)


def _steps(options: Conv2DOptions) -> tuple[int, int]:
    return options.stride_height, options.stride_width


def fully_connected(context: Context, operator: TfliteOperator) -> Stage:
    """A 1x1 convolution over a row of as many pixels as the batch has samples."""
    options = operator.options
    assert isinstance(options, FullyConnectedOptions)
    source, target = context.input(operator, 0), context.output(operator)
    for tensor, role in ((source, "the input"), (target, "the output")):
        require_type(context.model, operator, tensor, "int8", role)
    weights = _weights(context, operator, 2)
    out_channels, in_channels = weights.shape
    samples = source.nbytes // in_channels
    if samples * in_channels != source.nbytes or samples * out_channels != target.nbytes:
        raise unsupported(
            context.model, operator, f"maps {source.shape} to {target.shape} with weights {weights.shape}"
        )
    return _convolution(
        context,
        operator,
        weights=weights,
        activation=options.activation,
        source=source,
        target=target,
        in_size=(1, samples, in_channels),
        out_size=(1, samples, out_channels),
        float32_product=True,
    )


def _weights(context: Context, operator: TfliteOperator, rank: int) -> TfliteTensor:
    weights = context.input(operator, 1)
    require_type(context.model, operator, weights, "int8", "the weights")
    if weights.buffer is None or len(weights.shape) != rank:
        raise unsupported(
            context.model, operator, f"has weights of shape {weights.shape} that are not constant"
        )
    return weights


def _convolution(
    context: Context,
    operator: TfliteOperator,
    *,
    weights: TfliteTensor,
    activation: str,
    source: TfliteTensor,
    target: TfliteTensor,
    in_size: tuple[int, int, int],
    out_size: tuple[int, int, int],
    steps: tuple[int, int] = (1, 1),
    dilations: tuple[int, int] = (1, 1),
    pads: tuple[int, int] = (0, 0),
    float32_product: bool = False,
) -> Stage:
    assert weights.buffer is not None
    (in_height, in_width, in_channels), (out_height, out_width, out_channels) = in_size, out_size
    by_channel = weights.buffer.reshape(out_channels, -1)
    window_h, window_w = weights.shape[1:3] if len(weights.shape) == 4 else (1, 1)
    constants = channels(
        context,
        operator,
        source=source,
        weights=weights,
        bias=context.optional_input(operator, 2),
        target=target,
        activation=activation,
        by_channel=by_channel,
        float32_product=float32_product,
    )
    taps = by_channel.shape[1]
    pixels = out_width if (window_h, steps) != (1, (1, 1)) else out_width * out_height
    fast = constants.is_fast and pixels >= DSP_LEAST_PIXELS
    filter_bytes = -(-taps // 8) * 8 if fast else taps
    laid_out = np.zeros((out_channels, filter_bytes), np.int8)
    laid_out[:, :taps] = constants.weights
    return Stage(
        operator=operator,
        layer=target.name,
        kernel=CONV_DSP if fast else CONV,
        fields={
            "weights": Constant(
                "weights", "int8_t", laid_out.reshape(-1), padding_bytes=laid_out.size - by_channel.size
            ),
            **(
                {**constants.fast_fields(), "is_relu": int(constants.is_relu)} if fast else constants.fields()
            ),
            "filter_bytes": filter_bytes,
            "in_width": in_width,
            "in_channels": in_channels,
            "out_width": out_width,
            "out_channels": out_channels,
            "window_h": window_h,
            "window_w": window_w,
            "stride_w": steps[1],
            "dilation_w": dilations[1],
            "pad_left": pads[1],
            "in_zero": source.zero_point,
            "out_zero": target.zero_point,
        },
        source=source.index,
        target=target.index,
        in_height=in_height,
        out_height=out_height,
        in_row_bytes=in_width * in_channels,
        out_row_bytes=out_width * out_channels,
        window=window_h,
        stride=steps[0],
        dilation=dilations[0],
        pad_top=pads[0],
        scratch_bytes=(2 * DSP_PIXELS + 1) * filter_bytes if fast else 0,
        macs=out_height * out_width * out_channels * taps,
    )


def depthwise_conv_2d(context: Context, operator: TfliteOperator) -> Stage:
    options = operator.options
    assert isinstance(options, DepthwiseConv2DOptions)
    source, target = image_tensors(context, operator)
    weights = _weights(context, operator, 4)
    assert weights.buffer is not None
    _, window_h, window_w, out_channels = weights.shape
    in_height, in_width, in_channels = source.shape[1:]
    if out_channels % in_channels:
        raise unsupported(context.model, operator, f"has {out_channels} filters for {in_channels} channels")
    _check_steps(context, operator, options, window_h)
    out_height, pad_top = window_padding(
        in_height, window_h, options.stride_height, options.dilation_height, options.padding
    )
    out_width, pad_left = window_padding(
        in_width, window_w, options.stride_width, options.dilation_width, options.padding
    )
    check_output_size(context, operator, target, (1, out_height, out_width, out_channels))
    by_channel = weights.buffer.reshape(window_h * window_w, out_channels).T
    wanted = context.fast and _is_fast_depthwise(options, weights.shape, source.shape)
    constants = channels(
        context,
        operator,
        source=source,
        weights=weights,
        bias=context.optional_input(operator, 2),
        target=target,
        activation=options.activation,
        by_channel=by_channel,
        fold=wanted,
    )
    fast = constants.is_fast
    if wanted and not fast:
        return depthwise_conv_2d(replace(context, fast=False), operator)
    fields: dict[str, Value] = {
        "in_width": in_width,
        "in_channels": in_channels,
        "out_width": out_width,
        "stride_w": options.stride_width,
        "pad_left": pad_left,
        "in_zero": source.zero_point,
        "out_zero": target.zero_point,
    }
    if fast:
        laid_out = constants.weights
        fields |= constants.fast_fields()
        fields |= {
            "in_height": in_height,
            "out_height": out_height,
            "stride_h": options.stride_height,
            "pad_top": pad_top,
        }
    else:
        laid_out = constants.weights.T
        fields |= constants.fields()
        fields |= {
            "depth_multiplier": out_channels // in_channels,
            "window_h": window_h,
            "window_w": window_w,
            "dilation_w": options.dilation_width,
        }
    row_kernel = DEPTHWISE_RELU_DSP if constants.is_relu else DEPTHWISE_DSP
    padded_width = (out_width + 3) // 4 * 4 * options.stride_width + 2
    stage = Stage(
        operator=operator,
        layer=target.name,
        kernel=row_kernel if fast else DEPTHWISE,
        fields={
            "weights": Constant("weights", "int8_t", np.ascontiguousarray(laid_out).reshape(-1)),
            **fields,
        },
        source=source.index,
        target=target.index,
        in_height=in_height,
        out_height=out_height,
        in_row_bytes=in_width * in_channels,
        out_row_bytes=out_width * out_channels,
        window=window_h,
        stride=options.stride_height,
        dilation=options.dilation_height,
        pad_top=pad_top,
        scratch_bytes=4 * 3 * padded_width * 2 if fast else 0,
        macs=prod((out_height, out_width, out_channels, window_h, window_w)),
    )
    if not fast:
        return stage
    plane = replace(
        stage,
        kernel=DEPTHWISE_PLANE_RELU_DSP if constants.is_relu else DEPTHWISE_PLANE_DSP,
        in_height=1,
        out_height=1,
        in_row_bytes=source.nbytes,
        out_row_bytes=target.nbytes,
        window=1,
        stride=1,
        pad_top=0,
        scratch_bytes=4 * ((out_height - 1) * options.stride_height + 3) * padded_width * 2,
    )
    return replace(stage, flat=plane)


def _is_fast_depthwise(
    options: DepthwiseConv2DOptions, weights: tuple[int, ...], source: tuple[int, ...]
) -> bool:
    return (
        weights[1:3] == (3, 3)
        and weights[3] == source[3]
        and source[3] % 4 == 0
        and options.dilation_height == options.dilation_width == 1
        and options.stride_width in (1, 2)
    )
