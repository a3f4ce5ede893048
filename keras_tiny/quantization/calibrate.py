"""Set the activation ranges of a quantized model from data, exactly, before it trains or is judged."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras, require_keras2_model, tf
from keras_tiny.quantization.qat import is_quantized
from keras_tiny.quantization.quantizers import observing_ranges


def calibrate(model: keras.Model, images: np.ndarray, *, batch_size: int = 32) -> None:
    """Set every activation range to the smallest and largest value seen over `images`.

    The images run through the model at inference, its rounded weights and BatchNorm's moving statistics as they are:
    nothing but the ranges changes, and what was learnt of them before is forgotten. Activations are not rounded
    meanwhile, so that the order of the images does not matter.

    Args:
        model: from `quantize`; changed in place.
        images: preprocessed, (images, height, width, channels), values within the model's input range.

    Raises:
        BadInput: a model that is not quantized, no images, or images of another shape or range.
    """
    require_keras2_model(model, verb="calibrate")
    if not is_quantized(model):
        raise BadInput(f"Model '{model.name}' is not quantized.", hint="Call quantize(model) first.")
    images = np.asarray(images, np.float32)
    check_images(images, shape=model.input_shape[1:])
    for variable in range_variables(model):
        variable.assign(tf.zeros_like(variable))
    with observing_ranges():
        for batch in _batches(images, batch_size):
            # Not as a graph: building one takes longer than the few batches that are needed here.
            model(tf.constant(batch), training=False)


def range_variables(model: keras.Model) -> list[tf.Variable]:
    """The (min, max) variables of every observed activation range, in the model's order."""
    return [
        variable
        for layer in model.layers
        for variable in layer.non_trainable_weights
        if variable.name.split("/")[-1].split(":")[0] in _RANGE_NAMES
    ]


_LARGEST_PREPROCESSED = 20.0  # standardised pixels stay far below, raw ones do not
_RANGE_NAMES = {f"{where}_{end}" for where in ("output", "pre_activation") for end in ("min", "max")}


def unset_ranges(model: keras.Model) -> list[str]:
    """Names of the layers whose ranges no data has set yet."""
    variables = range_variables(model)
    return [
        low.name.rpartition("/")[0]
        for low, high in zip(variables[::2], variables[1::2], strict=True)
        if float(low) == float(high)
    ]


def _batches(images: np.ndarray, batch_size: int) -> Iterator[np.ndarray]:
    for start in range(0, len(images), batch_size):
        yield images[start : start + batch_size]


def check_images(images: np.ndarray, *, shape: tuple[int | None, ...]) -> None:
    """Raise `BadInput` unless `images` are preprocessed images of that (height, width, channels)."""
    if images.ndim != 4 or images.shape[1:] != tuple(shape) or not len(images):
        expected = ", ".join(map(str, shape))
        raise BadInput(f"Calibration takes images of shape (n, {expected}), received {images.shape}.")
    if not np.isfinite(images).all():
        raise BadInput("The calibration images contain NaN or infinite values.")
    if np.abs(images).max() > _LARGEST_PREPROCESSED:
        raise BadInput(
            f"The calibration images reach {np.abs(images).max():g}: they look like pixels.",
            hint="Preprocess them as for training, e.g. to -1 .. 127/128.",
        )
