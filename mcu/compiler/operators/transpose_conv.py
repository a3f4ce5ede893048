"""TRANSPOSE_CONV → kt_transpose_conv.h."""

from __future__ import annotations

from mcu.compiler.operators.common import channels, check_window, image_tensors, window_padding
from mcu.compiler.problems import require_type, unsupported
from mcu.compiler.stage import Constant, Context, Kernel, Stage
from mcu.tflite import TfliteOperator
from mcu.tflite.options import TransposeConvOptions

TRANSPOSE_CONV = Kernel(
    "kt_transpose_conv_row", "kt_transpose_conv", "kt_transpose_conv.h", "kt_transpose_conv.c"
)


def transpose_conv(context: Context, operator: TfliteOperator) -> Stage:
    """Inputs are (output shape, weights, image, bias); the output's shape is the tensor's."""
    options = operator.options
    assert isinstance(options, TransposeConvOptions)
    source, target = image_tensors(context, operator, position=2)
    weights = context.input(operator, 1)
    require_type(context.model, operator, weights, "int8", "the weights")
    if weights.buffer is None or len(weights.shape) != 4 or weights.shape[3] != source.shape[3]:
        raise unsupported(context.model, operator, f"has weights of shape {weights.shape}")
    out_channels, window_h, window_w, in_channels = weights.shape
    check_window(context, operator, window=1, numbers=(options.stride_height, options.stride_width))
    if target.shape[3] != out_channels:
        raise unsupported(
            context.model, operator, f"has {out_channels} filters for an output of {target.shape}"
        )
    _, pad_top = window_padding(target.shape[1], window_h, options.stride_height, 1, options.padding)
    _, pad_left = window_padding(target.shape[2], window_w, options.stride_width, 1, options.padding)
    constants = channels(
        context,
        operator,
        source=source,
        weights=weights,
        bias=context.optional_input(operator, 3),
        target=target,
        activation=options.activation,
        by_channel=weights.buffer.reshape(out_channels, -1),
        fold=False,
    )
    return Stage(
        operator=operator,
        layer=target.name,
        kernel=TRANSPOSE_CONV,
        fields={
            "weights": Constant("weights", "int8_t", weights.buffer.reshape(-1)),
            **constants.fields(),
            "in_height": source.shape[1],
            "in_width": source.shape[2],
            "in_channels": in_channels,
            "out_height": target.shape[1],
            "out_width": target.shape[2],
            "out_channels": out_channels,
            "window_h": window_h,
            "window_w": window_w,
            "stride_h": options.stride_height,
            "stride_w": options.stride_width,
            "pad_top": pad_top,
            "pad_left": pad_left,
            "in_zero": source.zero_point,
            "out_zero": target.zero_point,
        },
        source=source.index,
        target=target.index,
        in_height=1,
        out_height=1,
        in_row_bytes=source.nbytes,
        out_row_bytes=target.nbytes,
        macs=source.shape[1] * source.shape[2] * in_channels * out_channels * window_h * window_w,
    )
