"""A small network, quantized and converted once for the tests of this room."""

from __future__ import annotations

from functools import lru_cache

from keras_tiny import quantization
from keras_tiny.export.convert import convert
from keras_tiny.export.parity import random_statistics, varied_images
from keras_tiny.keras_api import keras

L = keras.layers
SHAPE = (16, 16, 3)


def float_model() -> keras.Model:
    keras.utils.set_random_seed(0)
    image = L.Input(SHAPE, name="image")
    x = L.ReLU(6.0)(L.BatchNormalization()(L.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(image)))
    x = L.ReLU(6.0)(L.BatchNormalization()(L.DepthwiseConv2D(3, padding="same", use_bias=False)(x)))
    x = L.BatchNormalization()(L.Conv2D(6, 1, use_bias=False)(x))
    model = keras.Model(image, L.Dense(4)(L.GlobalAveragePooling2D()(x)), name="small")
    random_statistics(model, varied_images(SHAPE, count=32, seed=1), seed=0)
    return model


def quantized_model() -> keras.Model:
    model = quantization.quantize(float_model())
    quantization.calibrate(model, varied_images(SHAPE, count=32, seed=1))
    return model


@lru_cache(maxsize=1)
def int8_file() -> bytes:
    return convert(quantized_model())
