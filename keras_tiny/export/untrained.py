"""The int8 file of a network that nobody trained: what it costs on a board depends on its graph, next to nothing on its
weights (a branch whose range is not that of the concatenation behind it gets a QUANTIZE: 112 bytes of arena)."""

from __future__ import annotations

from keras_tiny import quantization
from keras_tiny.export.convert import convert
from keras_tiny.export.parity import random_statistics, varied_images
from keras_tiny.keras_api import keras

CALIBRATION_IMAGES = 2


def untrained_file(model: keras.Model, *, seed: int = 0) -> bytes:
    """The file that a float model becomes once it is trained, but for the values of its weights.

    Args:
        model: its biases, BatchNorm statistics, gammas and betas become random, because zeros would vanish from the
            file; kernels stay. Seed Keras before you build it if two runs are to give the same file.
        seed: of those, and of the images that set the ranges.
    """
    images = varied_images(model.input_shape[1:], count=CALIBRATION_IMAGES, seed=seed)
    random_statistics(model, images, seed=seed)
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, images)
    return convert(quantized)
