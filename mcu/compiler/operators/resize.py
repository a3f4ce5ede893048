"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR → kt_shape.h; which input an output takes is computed here."""

from __future__ import annotations

import math

import numpy as np

from mcu.compiler.arithmetic import round_half_away
from mcu.compiler.operators.common import image_tensors
from mcu.compiler.problems import unsupported
from mcu.compiler.stage import Constant, Context, Kernel, Stage
from mcu.tflite import TfliteOperator, TfliteTensor
from mcu.tflite.options import ResizeOptions

NEAREST = Kernel("kt_resize_nearest_row", "kt_nearest", "kt_shape.h", "kt_resize_nearest.c")
BILINEAR = Kernel("kt_resize_bilinear_row", "kt_bilinear", "kt_shape.h", "kt_resize_bilinear.c")
FRACTION = 1 << 10  # the reference's integer kernel counts in 1/1024 of a pixel


def nearest(context: Context, operator: TfliteOperator) -> Stage:
    source, target, options = _resize(context, operator)
    columns = _nearest(source.shape[2], target.shape[2], options)
    rows = _nearest(source.shape[1], target.shape[1], options)
    return _stage(
        operator,
        NEAREST,
        source,
        target,
        {"row_of": Constant("table", "int16_t", rows), "column_of": Constant("table", "int16_t", columns)},
    )


def _nearest(size: int, out: int, options: ResizeOptions) -> np.ndarray:
    """The input of each output, in float32 as the reference (reference/resize_nearest_neighbor.h)."""
    if options.align_corners and out > 1:
        scale = np.float32(size - 1) / np.float32(out - 1)
    else:
        scale = np.float32(size) / np.float32(out)
    offset = np.float32(0.5 if options.half_pixel_centers else 0.0)
    answers = []
    for position in range(out):
        place = float((np.float32(position) + offset) * scale)
        index = round_half_away(place) if options.align_corners else math.floor(place)
        answers.append(max(min(index, size - 1), 0))
    return np.array(answers, np.int16)


def bilinear(context: Context, operator: TfliteOperator) -> Stage:
    source, target, options = _resize(context, operator)
    rows = _between(source.shape[1], target.shape[1], options)
    columns = _between(source.shape[2], target.shape[2], options)
    return _stage(
        operator,
        BILINEAR,
        source,
        target,
        {"rows": Constant("table", "kt_between", rows), "columns": Constant("table", "kt_between", columns)},
    )


def _between(size: int, out: int, options: ResizeOptions) -> list[tuple[int, int, int]]:
    """Lower and upper input and the upper one's weight (reference/resize_bilinear.h, integer version)."""
    if options.align_corners and out > 1:
        scale = (FRACTION * (size - 1) + (out - 1) // 2) // (out - 1)
    else:
        scale = (FRACTION * size + out // 2) // out
    answers = []
    for position in range(out):
        place = position * scale
        if options.half_pixel_centers:
            place += scale // 2 - FRACTION // 2
        lower = min(max(int(place / FRACTION), 0), size - 1)
        upper = min(int((place + FRACTION - 1) / FRACTION), size - 1)
        answers.append((lower, upper, place - FRACTION * lower))
    return answers


def _resize(context: Context, operator: TfliteOperator) -> tuple[TfliteTensor, TfliteTensor, ResizeOptions]:
    options = operator.options
    assert isinstance(options, ResizeOptions)
    source, target = image_tensors(context, operator)
    if (source.scale, source.zero_point) != (target.scale, target.zero_point):
        raise unsupported(context.model, operator, "changes the scale or the zero point")
    return source, target, options


def _stage(
    operator: TfliteOperator,
    kernel: Kernel,
    source: TfliteTensor,
    target: TfliteTensor,
    places: dict[str, Constant],
) -> Stage:
    return Stage(
        operator=operator,
        layer=target.name,
        kernel=kernel,
        fields={
            **places,
            "in_width": source.shape[2],
            "out_height": target.shape[1],
            "out_width": target.shape[2],
            "channels": source.shape[3],
        },
        source=source.index,
        target=target.index,
        in_height=1,
        out_height=1,
        in_row_bytes=source.nbytes,
        out_row_bytes=target.nbytes,
    )
