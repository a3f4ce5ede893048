"""Golden vectors: inputs, and the bytes with which TensorFlow Lite Micro's reference kernels answer them."""

from __future__ import annotations

import numpy as np

from keras_tiny.errors import BadInput
from mcu.tflm import TflmInterpreter

RANDOM_INPUTS = 2
MADE_INPUTS = 2 + RANDOM_INPUTS  # before the pictures: all -128, all 127, random bytes


def pictures_of(golden_inputs: np.ndarray) -> np.ndarray:
    """Of a bundle's golden inputs the real pictures; all of them in a bundle that has no others."""
    return golden_inputs[MADE_INPUTS:] if len(golden_inputs) > MADE_INPUTS else golden_inputs


def make_golden(
    model_bytes: bytes, images_int8: np.ndarray, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """What a board must answer, byte for byte.

    The answers come from TensorFlow Lite Micro itself: TensorFlow Lite's own x86 kernels differ by a step in places.

    Args:
        model_bytes: an int8 .tflite file with one input.
        images_int8: real pictures as the board gets them, int8 (images, *input shape without batch).
        seed: of the random inputs.

    Returns:
        inputs, int8 (n, *input shape without batch): all -128, all 127, two of random bytes, which reach values that
            pictures do not, then the pictures.
        outputs, int8 (n, bytes of all outputs of one inference, concatenated in order).

    Raises:
        BadInput: pictures of another shape or type, or a model with several inputs.
        ModelFileError: TensorFlow Lite Micro cannot run the model.
    """
    interpreter = TflmInterpreter(model_bytes)
    if len(interpreter.inputs) != 1:
        raise BadInput(
            f"Golden vectors are for models with one input; this one has {len(interpreter.inputs)}."
        )
    tensor = interpreter.inputs[0]
    shape = tensor.shape[1:]
    if images_int8.dtype != np.int8 or images_int8.shape[1:] != shape:
        raise BadInput(
            f"Golden pictures must be int8 (n, {', '.join(map(str, shape))}),"
            f" received {images_int8.dtype} {images_int8.shape}.",
            hint="Prepare them with keras_tiny.preprocessing.to_int8.",
        )
    made = [np.full((1, *shape), value, np.int8) for value in (-128, 127)]
    noise = np.random.default_rng(seed).integers(-128, 128, (RANDOM_INPUTS, *shape), np.int8)
    inputs = np.concatenate([*made, noise, images_int8])
    answers = (interpreter.invoke([image[None]]) for image in inputs)
    return inputs, np.stack([np.concatenate([output.ravel() for output in outputs]) for outputs in answers])
