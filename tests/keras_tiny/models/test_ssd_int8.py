"""Detectors as int8: two tensors with scales of their own, audited, and the board agrees with the model."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny import models, quantization
from keras_tiny.export.audit import audit
from keras_tiny.export.convert import convert
from keras_tiny.export.parity import compare, random_statistics, varied_images
from keras_tiny.keras_api import keras
from keras_tiny.models.ssd import anchors_of
from mcu.tflm import TflmInterpreter
from tests.support import require

SHAPE = (64, 64, 3)
CASES = [
    pytest.param("ssdlite", "etinynet", 0.25, marks=pytest.mark.slow),
    pytest.param("ssd", "etinynet", 0.25, marks=pytest.mark.slow),
    pytest.param("ssdlite", "mobilenet_v2", 0.1, marks=pytest.mark.slow),
    pytest.param("ssdlite", "squeezenet", 0.25, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("head", "backbone", "width"), CASES)
def test_a_detector_goes_to_the_board_whole(head: str, backbone: str, width: float):
    require("module:tflite_micro")
    keras.utils.set_random_seed(0)
    # Four numbers per anchor in both outputs: nothing but their order tells them apart.
    model = models.build(head, input_shape=SHAPE, num_classes=4, backbone=backbone, width=width)
    images = varied_images(SHAPE, count=12, seed=1)
    random_statistics(model, images, seed=0, damping=2.5)
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, images)
    assert anchors_of(quantized) == anchors_of(model)
    model_bytes = convert(quantized)
    report = audit(model_bytes)
    assert report.ok, report.to_text()
    assert report.operators["CONCATENATION"] == 2 + (8 if backbone == "squeezenet" else 0)
    assert report.operators["RESHAPE"] == 12
    assert not report.operators.keys() & {"QUANTIZE", "DEQUANTIZE", "PACK", "SHAPE", "TILE", "STRIDED_SLICE"}
    classes, boxes = TflmInterpreter(model_bytes).outputs
    assert classes.shape == boxes.shape == (1, anchors_of(model).count, 4)
    assert classes.dtype == boxes.dtype == "int8"
    assert (classes.scale, classes.zero_point) != (boxes.scale, boxes.zero_point)
    for parity in compare(quantized, model_bytes, images):
        assert parity.share_within_2 >= 0.97, parity
        assert parity.std_steps >= 5, parity


@pytest.mark.slow
def test_the_two_outputs_come_in_the_order_of_the_model():
    require("module:tflite_micro")
    keras.utils.set_random_seed(0)
    model = models.ssdlite((32, 32, 3), num_classes=4, width=0.25)
    for layer in model.layers:
        if (
            "_class_" in layer.name
            and getattr(layer, "bias", None) is not None
            and "depthwise" not in layer.name
        ):
            layer.bias.assign(np.full(layer.bias.shape, 5.0))
    images = varied_images((32, 32, 3), count=4, seed=1)
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, images)
    interpreter = TflmInterpreter(convert(quantized))
    outputs = interpreter.invoke([interpreter.inputs[0].quantize(images[:1])])
    means = [
        tensor.dequantize(part).mean() for tensor, part in zip(interpreter.outputs, outputs, strict=True)
    ]
    assert means[0] > 3
    assert abs(means[1]) < 2
