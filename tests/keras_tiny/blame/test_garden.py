"""A fault planted in a model of the garden is named first; the float twin has the int8 file's own operators."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from keras_tiny.blame import blame
from mcu.tflite import read_model
from tests.keras_tiny.blame.planting import PLANTS, candidates, planted
from tests.keras_tiny.blame.twins import Twins
from tests.support import require

MODELS: dict[str, dict[str, object]] = {
    "mobilenet_v1": {"width": 0.25, "input_shape": (32, 32, 3), "num_classes": 10},
    "unet4": {"alpha": 16, "input_shape": (32, 32, 3), "num_classes": 1},
    "mobilenet_v2": {"width": 0.35, "input_shape": (48, 48, 3), "num_classes": 10},
    "mobilenet_v3_small": {"input_shape": (48, 48, 3), "num_classes": 10},
    "squeezenet": {"input_shape": (48, 48, 3), "num_classes": 10},
    "etinynet": {"input_shape": (48, 48, 3), "num_classes": 10},
}
QUICK = ("mobilenet_v1", "unet4")  # the conversions take seconds each
LAYERS_EACH = 3


def garden(*, quick: tuple[str, ...] = QUICK) -> list[object]:
    return [pytest.param(name, marks=[] if name in quick else [pytest.mark.slow]) for name in MODELS]


@cache
def garden_twins(name: str) -> Twins:
    """The model with random weights and BatchNorm statistics, calibrated on the pictures that it is judged on."""
    require("module:tensorflow")
    require("module:tflite_micro")
    from keras_tiny import models, quantization
    from keras_tiny.export.convert import convert, convert_unrounded
    from keras_tiny.export.parity import random_statistics, varied_images
    from keras_tiny.training.seeds import seed_everything
    from mcu.tflm import TflmInterpreter

    seed_everything(0)
    model = models.build(name, **MODELS[name])
    images = varied_images(model.input_shape[1:], count=4, seed=0)
    random_statistics(model, images, seed=0)
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, images)
    int8 = convert(quantized)
    (tensor,) = TflmInterpreter(int8).inputs
    chosen = np.stack([tensor.quantize(image) for image in images[:2]])
    expected = model(tensor.dequantize(chosen), training=False).numpy()
    return Twins(int8, convert_unrounded(quantized), chosen, expected)


@pytest.mark.parametrize("name", garden())
def test_the_planted_layer_of_a_garden_model_is_named_first(name: str):
    twins = garden_twins(name)
    model = read_model(twins.int8)
    missed = []
    for plant in PLANTS.values():
        possible = candidates(model, plant)
        for at in np.linspace(0, len(possible) - 1, LAYERS_EACH).astype(int):
            sick = planted(twins.int8, plant, possible[at].index)
            worst = blame(sick, twins.images, float_bytes=twins.float32).layers[0]
            if worst.index != possible[at].index:
                missed.append(f"{plant.__name__} in {model.layer_of(possible[at])}: named {worst.layer}")
    assert not missed


@pytest.mark.parametrize("name", garden())
def test_a_sound_garden_model_has_no_fault_and_every_tensor_is_compared(name: str):
    twins = garden_twins(name)
    found = blame(twins.int8, twins.images, float_bytes=twins.float32)
    assert not any(layer.is_fault for layer in found.layers)
    assert found.not_compared == ()
    assert found.layers[0].sqnr_db > 20


@pytest.mark.parametrize("name", garden())
def test_the_unrounded_file_has_the_operators_of_the_int8_file(name: str):
    twins = garden_twins(name)
    operators = [
        [each.name for each in read_model(file).operators if each.name not in ("QUANTIZE", "DEQUANTIZE")]
        for file in (twins.int8, twins.float32)
    ]
    assert operators[0] == operators[1]


@pytest.mark.parametrize("name", garden())
def test_the_unrounded_file_answers_as_the_float_model(name: str):
    from mcu.tflm import TflmInterpreter

    twins = garden_twins(name)
    (tensor,) = TflmInterpreter(twins.int8).inputs
    float_file = TflmInterpreter(twins.float32)
    for image, expected in zip(tensor.dequantize(twins.images), twins.expected, strict=True):
        (answer,) = float_file.invoke([image[None]])
        np.testing.assert_allclose(answer[0], expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())
