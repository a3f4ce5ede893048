"""One small network of MobileNetV2's kind, quantized once for all tests that only look at it."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny import quantization
from keras_tiny.export.parity import random_statistics, varied_images
from keras_tiny.keras_api import keras

L = keras.layers
SHAPE = (16, 16, 3)


def small_network() -> keras.Model:
    image = L.Input(SHAPE, name="image")
    x = L.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem")(image)
    x = skip = L.ReLU(6.0, name="stem_relu")(L.BatchNormalization(name="stem_bn")(x))
    x = L.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
    x = L.ReLU(6.0, name="depthwise_relu")(L.BatchNormalization(name="depthwise_bn")(x))
    x = L.BatchNormalization(name="project_bn")(L.Conv2D(8, 1, use_bias=False, name="project")(x))
    x = L.Dropout(0.2, name="dropout")(L.GlobalAveragePooling2D(name="pool")(L.Add(name="add")([x, skip])))
    return keras.Model(image, L.Dense(4, name="logits")(x), name="small")


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    return varied_images(SHAPE, count=32, seed=1)


@pytest.fixture
def float_model(images: np.ndarray) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = small_network()
    random_statistics(model, images, seed=0)
    return model


@pytest.fixture
def quantized(float_model: keras.Model, images: np.ndarray) -> keras.Model:
    model = quantization.quantize(float_model)
    quantization.calibrate(model, images)
    return model
