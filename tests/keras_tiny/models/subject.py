"""One model of the table on its way to the board, each step made once and shared by the facts that are tested of it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from keras_tiny import models, quantization
from keras_tiny.export.convert import convert
from keras_tiny.export.parity import random_statistics, varied_images
from keras_tiny.keras_api import keras
from mcu.tflm import TflmInterpreter

SHAPE = (32, 32, 3)
CLASSES = 16  # enough outputs that one of them is not already a hundredth of all
# How many times larger than the images' the moving deviations of BatchNorm are. At 1 a deep network of random weights
# is chaotic, which training undoes: every rounding that falls the other way grows from layer to layer (of EtinyNet's
# outputs 27 % stay within 2 steps, of MobileNetV3-Small's 59 %). At 2.5 the image hardly reaches the output.
DAMPING = 1.5
# UNet5's int8 output then has a deviation of 19 steps, because a few outliers set its range; with more, of 26.
DAMPINGS = {"unet5": 2.0}
# The smallest of each kind, to be quick; what is not here is small enough at its defaults.
SMALL: dict[str, dict[str, Any]] = {
    "mobilenet_v1": {"width": 0.25},
    "mobilenet_v2": {"width": 0.1},
    "mobilenet_v3_small": {"width": 0.25},
    "mobilenet_v3_large": {"width": 0.25},
    "squeezenet": {"width": 0.25},
    "etinynet": {"width": 0.25},
    "ssd": {"width": 0.25},
    "ssdlite": {"width": 0.25},
    "unet5": {"alpha": 16},
    "unet4": {"alpha": 16},
    "mobile_unet": {"width": 0.25, "last_conv": 16},
    "efficient_unet": {"features": (4, 8, 8, 8)},
}


class Subject:
    """A small variant of one model; `small` is for looking at, `float_model` for exporting."""

    def __init__(self, name: str):
        self.name = name
        self.task = models.MODELS[name].task
        self.arguments: dict[str, Any] = {
            "input_shape": SHAPE,
            "num_classes": CLASSES,
            **SMALL.get(name, {}),
        }

    @cached_property
    def images(self) -> np.ndarray:
        return varied_images(SHAPE, count=16, seed=1)

    @cached_property
    def float_model(self) -> keras.Model:
        """With random BatchNorm statistics and biases that are not zero."""
        keras.utils.set_random_seed(0)
        model = models.build(self.name, **self.arguments)
        random_statistics(model, self.images, seed=0, damping=DAMPINGS.get(self.name, DAMPING))
        return model

    @cached_property
    def quantized(self) -> keras.Model:
        model = quantization.quantize(self.float_model)
        quantization.calibrate(model, self.images)
        return model

    @cached_property
    def model_bytes(self) -> bytes:
        """The int8 file."""
        return convert(self.quantized)

    @cached_property
    def interpreter(self) -> TflmInterpreter:
        return TflmInterpreter(self.model_bytes)

    def int8_images(self, count: int) -> np.ndarray:
        """(count, 1, height, width, channels)"""
        return np.stack([self.interpreter.inputs[0].quantize(image[None]) for image in self.images[:count]])
