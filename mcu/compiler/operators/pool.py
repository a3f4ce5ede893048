"""MAX_POOL_2D and AVERAGE_POOL_2D → kt_pool.h."""

from __future__ import annotations

from mcu.compiler.arithmetic import activation_range
from mcu.compiler.operators.common import check_output_size, check_window, image_tensors, window_padding
from mcu.compiler.problems import unsupported
from mcu.compiler.stage import Context, Kernel, Stage
from mcu.tflite import TfliteOperator
from mcu.tflite.options import Pool2DOptions

MAX = Kernel("kt_max_pool_row", "kt_pool", "kt_pool.h", "kt_max_pool.c")
AVERAGE = Kernel("kt_average_pool_row", "kt_pool", "kt_pool.h", "kt_average_pool.c")


def max_pool(context: Context, operator: TfliteOperator) -> Stage:
    return _pool(context, operator, MAX)


def average_pool(context: Context, operator: TfliteOperator) -> Stage:
    return _pool(context, operator, AVERAGE)


def _pool(context: Context, operator: TfliteOperator, kernel: Kernel) -> Stage:
    options = operator.options
    assert isinstance(options, Pool2DOptions)
    source, target = image_tensors(context, operator)
    # The reference allows scales that differ by less than 1e-6 and copies the integers all the same.
    if abs(source.scale - target.scale) > 1e-6 or source.zero_point != target.zero_point:
        raise unsupported(context.model, operator, "changes the scale or the zero point")
    numbers = (options.stride_height, options.stride_width, options.filter_width)
    check_window(context, operator, window=options.filter_height, numbers=numbers)
    _, in_height, in_width, channel_count = source.shape
    out_height, pad_top = window_padding(
        in_height, options.filter_height, options.stride_height, 1, options.padding
    )
    out_width, pad_left = window_padding(
        in_width, options.filter_width, options.stride_width, 1, options.padding
    )
    check_output_size(context, operator, target, (1, out_height, out_width, channel_count))
    low, high = activation_range(options.activation, target.scale, target.zero_point)
    return Stage(
        operator=operator,
        layer=target.name,
        kernel=kernel,
        fields={
            "in_width": in_width,
            "channels": channel_count,
            "out_width": out_width,
            "window_h": options.filter_height,
            "window_w": options.filter_width,
            "stride_w": options.stride_width,
            "pad_left": pad_left,
            "out_min": low,
            "out_max": high,
        },
        source=source.index,
        target=target.index,
        in_height=in_height,
        out_height=out_height,
        in_row_bytes=in_width * channel_count,
        out_row_bytes=out_width * channel_count,
        window=options.filter_height,
        stride=options.stride_height,
        pad_top=pad_top,
    )
