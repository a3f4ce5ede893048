"""What every model of the table holds to as int8: it trains, passes the audit, and the board agrees with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from keras_tiny import models, quantization
from keras_tiny.export.audit import AuditReport, audit
from keras_tiny.export.convert import convert
from keras_tiny.export.parity import Parity, compare, compare_layers, random_statistics, varied_images
from keras_tiny.keras_api import keras, tf
from mcu.tflm import TflmInterpreter
from tests.support import require

SHAPE = (32, 32, 3)
CLASSES = 4
DAMPING = 2.5
# The smallest of each kind, to be quick.
SMALL: dict[str, dict[str, Any]] = {
    "mobilenet_v1": {"width": 0.25},
    "mobilenet_v2": {"width": 0.1},
    "mobilenet_v3_small": {"width": 0.25},
    "mobilenet_v3_large": {"width": 0.25},
    "squeezenet": {"width": 0.25},
    "etinynet": {"width": 0.25},
    "unet5": {"alpha": 16},
    "unet4": {"alpha": 16},
    "mobile_unet": {"width": 0.25, "last_conv": 16},
    "efficient_unet": {"features": (4, 8, 8, 8)},
}
# Steps within which 99 % of the outputs must agree, where it is not 2: 50 and more layers of few channels, in which
# a rounding that falls the other way (one in a thousand does, see `compare`) is not averaged out.
STEPS = {"mobilenet_v2": 3, "mobilenet_v3_small": 5}


@dataclass(frozen=True)
class Exported:
    """One model on its way to the board: from end to end with damped statistics, layer by layer with lively ones."""

    name: str
    float_model: keras.Model
    quantized: keras.Model
    report: AuditReport
    interpreter: TflmInterpreter
    parity: Parity
    layers: dict[str, Parity]


@pytest.mark.parametrize("name", sorted(models.MODELS))
def test_a_model_goes_to_the_board_whole(name: str) -> None:
    """One test, because the way to the board is the expensive part and every fact below is about its end."""
    require("module:tflite_micro")
    exported = export(name)
    the_file_passes_the_audit(exported)
    nothing_but_the_models_own_operations_is_in_the_file(exported)
    the_board_takes_and_gives_the_models_shapes_as_int8(exported)
    every_layer_on_the_board_is_within_one_step_of_the_models(exported)
    the_board_is_within_two_steps_of_the_fake_quantized_model(exported)
    it_trains_quantized(exported)


def export(name: str) -> Exported:
    keras.utils.set_random_seed(0)
    model = models.build(name, input_shape=SHAPE, num_classes=CLASSES, **SMALL.get(name, {}))
    images = varied_images(SHAPE, count=16, seed=1)
    random_statistics(model, images, seed=0, damping=DAMPING)
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, images)
    model_bytes = convert(quantized)
    parity = compare(quantized, model_bytes, images)[0]
    for weight in quantized.weights:
        if "moving_variance" in weight.name:
            weight.assign(weight / DAMPING**2)
    quantization.calibrate(quantized, images)
    layers = compare_layers(quantized, images[:8])
    report, interpreter = audit(model_bytes), TflmInterpreter(model_bytes)
    return Exported(name, model, quantized, report, interpreter, parity, layers)


def the_file_passes_the_audit(exported: Exported) -> None:
    assert exported.report.ok, exported.report.to_text()
    assert exported.report.tried  # TensorFlow Lite Micro itself has allocated it
    assert not exported.report.float_tensors


def nothing_but_the_models_own_operations_is_in_the_file(exported: Exported) -> None:
    """Every BatchNorm is folded, or is one 1x1 depthwise where no convolution comes before it."""
    layers = Counter(type(layer).__name__ for layer in exported.float_model.layers)
    alone = Counter(
        type(layer.layer).__name__ for layer in exported.quantized.layers if hasattr(layer, "layer")
    )
    operators = Counter(exported.report.operators)
    assert operators["ADD"] == layers["Add"]
    assert operators["MUL"] == layers["Multiply"] + layers["HardSigmoid"]
    assert operators["CONCATENATION"] == layers["Concatenate"]
    assert operators["TRANSPOSE_CONV"] == layers["Conv2DTranspose"]
    assert operators["HARD_SWISH"] == layers["HardSwish"]
    assert operators["DEPTHWISE_CONV_2D"] == layers["DepthwiseConv2D"] + alone["DepthwiseBatchNorm"]
    assert operators["CONV_2D"] == layers["Conv2D"]
    assert not operators.keys() & {
        "DEQUANTIZE",
        "SUB",
        "DIV",
        "PAD",
        "RELU",
        "RELU6",
        "SHAPE",
        "PACK",
        "TILE",
    }


def the_board_takes_and_gives_the_models_shapes_as_int8(exported: Exported) -> None:
    (image,), (output,) = exported.interpreter.inputs, exported.interpreter.outputs
    assert (image.shape, image.scale, image.zero_point) == ((1, *SHAPE), 1 / 128, 0)
    assert output.shape[1:] == exported.float_model.output_shape[1:]
    assert image.dtype == output.dtype == "int8"


def every_layer_on_the_board_is_within_one_step_of_the_models(exported: Exported) -> None:
    assert len(exported.layers) > 15
    for name, parity in exported.layers.items():
        assert parity.share_within_1 >= 0.99, (name, parity)
        assert parity.max_steps <= 2, (name, parity)
        assert parity.std_steps >= 2, (name, parity)  # the comparison says something
        assert parity.std_between_images_steps >= 0.5, (name, parity)


def the_board_is_within_two_steps_of_the_fake_quantized_model(exported: Exported) -> None:
    parity = exported.parity
    assert parity.std_steps >= 20, parity
    assert parity.max_steps <= STEPS.get(exported.name, 2) or parity.share_within_2 >= 0.99, parity


def it_trains_quantized(exported: Exported) -> None:
    """Every weight gets a finite gradient, and the network stays finite after a step along it."""
    model = exported.quantized
    x = varied_images(SHAPE, count=8, seed=2)
    y = np.random.default_rng(0).normal(0, 1, (8, *model.output_shape[1:])).astype(np.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
    gradients = tape.gradient(loss, model.trainable_weights)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.name
        assert np.isfinite(gradient).all(), weight.name
        # A bias before a BatchNorm shifts nothing.
        assert np.abs(gradient).max() > 0 or "bias" in weight.name, weight.name
    keras.optimizers.SGD(1e-3).apply_gradients(zip(gradients, model.trainable_weights, strict=True))
    assert np.isfinite(model(x, training=True)).all()
    assert np.isfinite(model(x, training=False)).all()
