"""A model → the bytes of a .tflite file: freeze, then convert a function of batch 1, quietly.

From a model with a dynamic batch the converter leaves shape arithmetic in the file and turns dilated convolutions into
float ones, without an error. Frozen first, it is some twenty times faster, with the same outputs.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from keras_tiny.errors import BadInput, KerasTinyError
from keras_tiny.keras_api import keras, require_keras2_model, tf
from keras_tiny.quantization.calibrate import check_images, unset_ranges
from keras_tiny.quantization.qat import DEFAULT_INPUT_RANGE, is_quantized
from keras_tiny.quantization.quantizers import exporting, unrounded

MIN_CALIBRATION_IMAGES = 16


def convert(model: keras.Model) -> bytes:
    """A quantized model as an int8 file, int8 at input and output; a float model as a float32 file.

    The same model gives the same bytes. Audit the file before it goes anywhere (keras_tiny.export.audit).

    Raises:
        BadInput: a Keras 3 model, an input size that is not fixed, or a quantized model whose ranges no data has set.
        KerasTinyError: the converter refused, with what it said.
    """
    require_keras2_model(model, verb="convert")
    quantized = is_quantized(model)
    if quantized and (unset := unset_ranges(model)):
        raise BadInput(
            f"{len(unset)} activation ranges of model '{model.name}' were never set, e.g. of '{unset[0]}'.",
            hint="Run keras_tiny.quantization.calibrate(model, images) on it, or train it.",
        )
    converter = _converter(model)
    if quantized:
        # No supported_ops: with TFLITE_BUILTINS_INT8 the converter demands a representative data set even here.
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
    return _convert(converter, model)


def convert_unrounded(model: keras.Model) -> bytes:
    """The float32 file of a quantized model as it would be if nothing was rounded: the int8 file's float twin.

    Operators, layers and shapes are those of `convert(model)`; the weights are the model's before rounding.

    Raises:
        BadInput, KerasTinyError: see `convert`.
    """
    require_keras2_model(model, verb="convert")
    with unrounded():
        return _convert(_converter(model), model)


def convert_ptq(
    model: keras.Model,
    calibration_images: np.ndarray,
    *,
    input_range: tuple[float, float] = DEFAULT_INPUT_RANGE,
) -> bytes:
    """A float model as an int8 file by post-training quantization: the baseline that QAT is compared with.

    The converter takes the input's scale from the smallest and largest input that it sees. One more calibration image
    is added, the first with one corner at each end of `input_range`, so that the input is the same as after QAT (scale
    1/128, zero point 0 by default) whatever the images; two pixels of one image leave the other ranges alone.

    Args:
        calibration_images: preprocessed, (images, height, width, channels), at least 16: fewer make the
            ranges a matter of luck. Choose them with a seed.

    Raises:
        BadInput: a Keras 3 or a quantized model, too few images, or images of another shape or range.
        KerasTinyError: the converter refused, with what it said.
    """
    require_keras2_model(model, verb="convert")
    if is_quantized(model):
        raise BadInput(
            f"Model '{model.name}' is quantized already.", hint="Use convert, or pass the float model."
        )
    images = np.asarray(calibration_images, np.float32)
    check_images(images, shape=model.input_shape[1:])
    if len(images) < MIN_CALIBRATION_IMAGES:
        raise BadInput(
            f"Post-training quantization got {len(images)} calibration images, fewer than {MIN_CALIBRATION_IMAGES}.",
            hint="Give a hundred or more images of the training split.",
        )
    spanning = images[:1].copy()
    spanning[0, 0, 0], spanning[0, -1, -1] = input_range

    def representative() -> Iterator[list[np.ndarray]]:
        for image in (spanning[0], *images):
            yield [image[None]]

    converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return _convert(converter, model)


def _converter(model: keras.Model) -> Any:
    """A converter over the model at inference, its variables made constants, its batch 1."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    signature = []
    for tensor in model.inputs:
        shape = (1, *tensor.shape[1:])
        if None in shape:
            raise BadInput(
                f"Input '{tensor.name}' of model '{model.name}' has the shape {tuple(tensor.shape)}: no fixed size.",
                hint="Build the model with a full input_shape (height, width, channels).",
            )
        signature.append(tf.TensorSpec(shape, tensor.dtype, name=tensor.name.split(":")[0]))

    @tf.autograph.experimental.do_not_convert  # there is nothing to convert in a layer, and it takes half the time
    def infer(*inputs: tf.Tensor) -> Any:
        return model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)

    with exporting():
        concrete = tf.function(infer).get_concrete_function(*signature)
    with _quiet():
        return tf.lite.TFLiteConverter.from_concrete_functions([convert_variables_to_constants_v2(concrete)])


def _convert(converter: Any, model: keras.Model) -> bytes:
    said: list[str] = []
    try:
        with _quiet(said):
            return bytes(converter.convert())
    except Exception as error:  # the converter raises bare Exceptions; its reasons are in the text
        reason = str(error) or "".join(said)
        raise KerasTinyError(
            f"TensorFlow Lite could not convert model '{model.name}': {reason[-2000:]}"
        ) from error


@contextmanager
def _quiet(said: list[str] | None = None) -> Iterator[None]:
    """Keeps the converter's chatter, most of it from C++, off the terminal; `said` receives it on an error."""
    with tempfile.TemporaryFile() as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        absl = logging.getLogger("absl")
        level = absl.level
        absl.setLevel(logging.ERROR)
        sys.stdout.flush()
        sys.stderr.flush()
        saved = [os.dup(stream) for stream in (1, 2)]
        try:
            for stream in (1, 2):
                os.dup2(file.fileno(), stream)
            yield
        finally:
            absl.setLevel(level)
            for stream, copy in zip((1, 2), saved, strict=True):
                os.dup2(copy, stream)
                os.close(copy)
            if said is not None:
                file.seek(0)
                said.append(file.read().decode("utf-8", errors="replace"))
