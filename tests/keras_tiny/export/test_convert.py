"""Conversion: int8 at both ends, the same bytes every time, the weights of the model, and quiet about it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from keras_tiny import quantization
from keras_tiny.errors import BadInput
from keras_tiny.export.audit import audit
from keras_tiny.export.convert import convert, convert_ptq
from keras_tiny.export.parity import compare, random_statistics, varied_images
from keras_tiny.keras_api import keras, tf
from mcu.tflite import read_model
from mcu.tflm import TflmInterpreter
from tests.keras_tiny.export.small import SHAPE, float_model, int8_file, quantized_model
from tests.support import require

L = keras.layers


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return varied_images(SHAPE, count=32, seed=1)


def test_the_same_model_gives_the_same_bytes() -> None:
    model = quantized_model()
    assert convert(model) == convert(model)


def test_the_same_model_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib, os\nos.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'\n"
        "from tests.keras_tiny.export.small import int8_file\n"
        "print(hashlib.sha256(int8_file()).hexdigest())"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True) for _ in range(2)]
    assert runs[0].returncode == 0, runs[0].stderr
    assert runs[0].stdout == runs[1].stdout


def test_the_file_is_int8_throughout_with_every_batch_norm_folded() -> None:
    model = read_model(int8_file())
    assert Counter(operator.name for operator in model.operators) == {
        "CONV_2D": 2,
        "DEPTHWISE_CONV_2D": 1,
        "MEAN": 1,
        "FULLY_CONNECTED": 1,
    }
    assert {str(np.dtype(tensor.dtype)) for tensor in model.tensors} <= {"int8", "int32"}


def test_the_files_weights_are_those_of_the_fake_quantized_model() -> None:
    """Kernel by kernel: the int8 values times their scales are the rounded folded kernels."""
    model = quantized_model()
    file = read_model(convert(model))
    kernels = [
        tensor.buffer.astype(np.float64) * _scales(tensor)
        for operator in file.operators
        if operator.name in ("CONV_2D", "DEPTHWISE_CONV_2D")
        for tensor in [file.tensors[operator.inputs[1]]]
    ]
    expected = [_rounded_kernel(model.get_layer(name).layer) for name in _convolutions(model)]
    assert len(kernels) == len(expected) == 3
    for kernel, rounded in zip(kernels, expected, strict=True):
        np.testing.assert_allclose(kernel, rounded, rtol=1e-5, atol=1e-9)


def _scales(tensor) -> np.ndarray:  # type: ignore[no-untyped-def]
    shape = [1] * len(tensor.shape)
    shape[tensor.quantized_dimension] = -1
    return np.asarray(tensor.scales, np.float64).reshape(shape)


def _convolutions(model: keras.Model) -> list[str]:
    return [layer.name for layer in model.layers if hasattr(getattr(layer, "layer", None), "convolution")]


def _rounded_kernel(folded: keras.layers.Layer) -> np.ndarray:
    """By hand, in the file's order (out, height, width, in), or (1, height, width, channels) for a depthwise."""
    norm, depthwise = folded.norm, isinstance(folded.convolution, L.DepthwiseConv2D)
    factor = norm.gamma.numpy() / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
    kernel = (folded.convolution.depthwise_kernel if depthwise else folded.convolution.kernel).numpy()
    kernel = kernel[..., 0] * factor if depthwise else kernel * factor
    step = np.abs(kernel).max(axis=tuple(range(kernel.ndim - 1))) / 127
    rounded = np.rint(kernel / step) * step
    return rounded[None] if depthwise else np.moveaxis(rounded, -1, 0)


def test_post_training_quantization_has_the_same_input_whatever_the_images(images: np.ndarray) -> None:
    dull = images * 0.1
    file = read_model(convert_ptq(float_model(), dull))
    tensor = file.tensors[file.inputs[0]].spec()
    assert (tensor.scale, tensor.zero_point, tensor.dtype) == (1 / 128, 0, "int8")


def test_post_training_quantization_passes_the_audit_and_is_near_the_float_model(images: np.ndarray) -> None:
    require("module:tflite_micro")
    model = float_model()
    model_bytes = convert_ptq(model, images)
    assert convert_ptq(model, images) == model_bytes
    assert audit(model_bytes).ok
    assert compare(model, model_bytes, images)[0].correlation > 0.99


def test_a_float_model_becomes_a_float_file(images: np.ndarray) -> None:
    model = float_model()
    file = read_model(convert(model))
    assert file.tensors[file.inputs[0]].spec().dtype == "float32"


def test_dilated_and_transposed_convolutions_need_no_shape_arithmetic(images: np.ndarray) -> None:
    image = L.Input(SHAPE)
    x = L.ReLU()(L.Conv2D(4, 3, padding="same", dilation_rate=2)(image))
    x = L.Reshape((-1, 2))(L.Conv2DTranspose(2, 2, strides=2)(x))
    model = keras.Model(image, x)
    random_statistics(model, images, seed=0)
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, images)
    names = Counter(operator.name for operator in read_model(convert(quantized)).operators)
    assert names == {"CONV_2D": 1, "TRANSPOSE_CONV": 1, "RESHAPE": 1}


def test_dead_channels_keep_their_biases(images: np.ndarray) -> None:
    """Weights near 0 with a bias that is not: their int32 bias must not overflow."""
    require("module:tflite_micro")
    keras.utils.set_random_seed(3)
    image = L.Input(SHAPE)
    plain = L.Conv2D(4, 3, name="plain")(image)
    normed = L.BatchNormalization(name="norm")(L.Conv2D(4, 3, use_bias=False, name="normed")(image))
    alone = L.BatchNormalization(name="alone")(L.ReLU()(plain))
    model = keras.Model(image, [plain, normed, alone])
    random_statistics(model, images, seed=0)
    kernel, bias = model.get_layer("plain").get_weights()
    kernel[..., 0], kernel[..., 1], bias[:2] = 1e-12, 0.0, (3.0, -2.0)
    model.get_layer("plain").set_weights([kernel, bias])
    for name in ("norm", "alone"):
        layer = model.get_layer(name)
        layer.gamma.assign([0.0, 1e-10, 1.0, -1.0])
        layer.beta.assign([2.0, -1.5, 0.1, 0.2])
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, images)
    model_bytes = convert(quantized)
    for parity in compare(quantized, model_bytes, images):
        assert parity.share_within_2 > 0.999, parity
    interpreter = TflmInterpreter(model_bytes)
    answers = interpreter.invoke([interpreter.inputs[0].quantize(images[:1])])
    expected = ((3.0, -2.0), (2.0, -1.5), (2.0, -1.5))
    for tensor, answer, constants in zip(interpreter.outputs, answers, expected, strict=True):
        values = tensor.dequantize(answer)[..., :2].reshape(-1, 2)
        np.testing.assert_allclose(values, np.broadcast_to(constants, values.shape), atol=1.5 * tensor.scale)


def test_conversion_says_nothing(capfd: pytest.CaptureFixture[str], images: np.ndarray) -> None:
    model, quantized = float_model(), quantized_model()
    capfd.readouterr()
    convert(quantized)
    convert_ptq(model, images)
    assert capfd.readouterr() == ("", "")


def test_too_few_calibration_images_are_refused(images: np.ndarray) -> None:
    with pytest.raises(BadInput, match="15 calibration images, fewer than 16"):
        convert_ptq(float_model(), images[:15])


def test_a_quantized_model_has_no_post_training_quantization(images: np.ndarray) -> None:
    with pytest.raises(BadInput, match="quantized already"):
        convert_ptq(quantized_model(), images)


def test_a_model_without_a_fixed_input_size_is_refused() -> None:
    image = L.Input((None, None, 3))
    with pytest.raises(BadInput, match="no fixed size"):
        convert(keras.Model(image, L.Conv2D(2, 3)(image)))


def test_what_the_converter_refuses_is_told_in_one_error() -> None:
    class Odd(L.Layer):
        def call(self, inputs):  # type: ignore[no-untyped-def]
            return tf.linalg.svd(inputs, compute_uv=False)

    image = L.Input((4, 4))
    from keras_tiny.errors import KerasTinyError

    with pytest.raises(KerasTinyError, match="could not convert model"):
        convert(keras.Model(image, Odd()(image)))
