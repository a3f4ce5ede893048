"""What a file may say that no kernel can run: refused before anything is computed from it."""

from __future__ import annotations

import math

from mcu.compiler.problems import UnsupportedModel
from mcu.tflite import TfliteModel, TfliteTensor

MAX_DIMENSION = 32767  # the kernels' structs hold int16
MAX_TENSOR_BYTES = 1 << 26


def check_tensors(model: TfliteModel) -> None:
    """Shapes that fit the kernels' integers, scales that are positive numbers, zero points inside int8.

    Raises:
        UnsupportedModel: names the tensor.
    """
    for operator in model.operators:
        for index in (*operator.inputs, *operator.outputs):
            if index >= 0:
                _check(model.tensors[index])


def _check(tensor: TfliteTensor) -> None:
    if any(size < 1 for size in tensor.shape) or (not tensor.shape and not tensor.is_constant):
        raise UnsupportedModel(f"The tensor '{tensor.name}' has the shape {tensor.shape}: it is empty.")
    if tensor.shape_signature and any(size < 0 for size in tensor.shape_signature[1:]):
        raise UnsupportedModel(
            f"The tensor '{tensor.name}' has a shape that is only known at run time: {tensor.shape_signature}.",
            hint="Convert from a concrete function with a fixed batch of 1.",
        )
    if tensor.dtype == "int8" and (
        max(tensor.shape, default=1) > MAX_DIMENSION or tensor.nbytes > MAX_TENSOR_BYTES
    ):
        raise UnsupportedModel(
            f"The tensor '{tensor.name}' of shape {tensor.shape} is too large for the kernels."
        )
    # The smallest and largest products of three scales stay normal numbers.
    if not all(math.isfinite(scale) and 1e-30 < scale < 1e30 for scale in tensor.scales):
        raise UnsupportedModel(f"The tensor '{tensor.name}' has a scale that is no positive number.")
    if len(tensor.zero_points) not in (0, len(tensor.scales)):
        raise UnsupportedModel(
            f"The tensor '{tensor.name}' has {len(tensor.scales)} scales and {len(tensor.zero_points)} zero points."
        )
    if tensor.dtype == "int8" and not all(-128 <= zero <= 127 for zero in tensor.zero_points):
        raise UnsupportedModel(
            f"The tensor '{tensor.name}' has a zero point outside of int8: {tensor.zero_points}."
        )
