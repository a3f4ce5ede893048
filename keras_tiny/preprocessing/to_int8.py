"""A picture → the int8 tensor that the board takes: `prepare`, then the tensor's own rounding, by one table."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from keras_tiny.errors import BadInput
from keras_tiny.preprocessing.image import normalise, resize
from keras_tiny.preprocessing.spec import PreprocessingSpec
from mcu.tensor import TensorSpec


def to_int8(image: np.ndarray, spec: PreprocessingSpec, tensor: TensorSpec) -> np.ndarray:
    """uint8 (height, width, 1 or 3) → int8 (1, spec.height, spec.width, spec.channels).

    Equal to `tensor.quantize(prepare(image, spec))` on every byte. With mean 128, std 128, scale 1/128 and
    zero point 0 it is `pixel - 128`.

    Args:
        tensor: the model's input; its shape must be that of the specification, with batch 1.

    Raises:
        BadInput: for a tensor that is not int8 or of another shape.
    """
    shape = (1, spec.height, spec.width, spec.channels)
    if tensor.dtype != "int8" or tensor.shape != shape:
        raise BadInput(
            f"The model's input '{tensor.name}' is {tensor.dtype} {tensor.shape}, "
            f"the preprocessing gives int8 {shape}.",
            hint="Take the preprocessing from the same bundle as the model.",
        )
    pixels = resize(image, spec)
    tables = quantized_pixels(spec, tensor)
    planes = [tables[channel].take(pixels[:, :, channel]) for channel in range(spec.channels)]
    return np.stack(planes, axis=-1)[None]


@lru_cache(maxsize=8)
def quantized_pixels(spec: PreprocessingSpec, tensor: TensorSpec) -> np.ndarray:
    """int8 (channels, 256), read-only: what each pixel value becomes, per channel."""
    pixels = np.arange(256, dtype=np.uint8)[:, None].repeat(spec.channels, axis=1)
    tables = np.ascontiguousarray(tensor.quantize(normalise(pixels, spec)).T)
    tables.flags.writeable = False  # they are shared by every call
    return tables
