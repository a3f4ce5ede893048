"""Every pattern of layers that the garden uses becomes int8 that TensorFlow Lite Micro runs as the model says."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny import quantization
from keras_tiny.export.audit import audit
from keras_tiny.export.convert import convert
from keras_tiny.export.parity import compare, random_statistics, varied_images
from keras_tiny.keras_api import keras
from tests.keras_tiny.quantization import patterns
from tests.support import require

NAMES = [name for name in patterns.PATTERNS if name != "two heads"]
GROUPS = [NAMES[start : start + 10] for start in range(0, len(NAMES), 10)]


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return varied_images(patterns.SHAPE, count=16, seed=1)


def exported(model: keras.Model, images: np.ndarray) -> tuple[keras.Model, bytes]:
    """The model with random weights and statistics, quantized, calibrated and converted."""
    random_statistics(model, images, seed=0)
    quantized = quantization.quantize(model)
    quantization.calibrate(quantized, images)
    return quantized, convert(quantized)


@pytest.mark.parametrize("names", GROUPS, ids=[f"{group[0]} to {group[-1]}" for group in GROUPS])
def test_every_pattern_passes_the_audit_and_agrees_with_the_board(
    names: list[str], images: np.ndarray
) -> None:
    require("module:tflite_micro")
    keras.utils.set_random_seed(1)
    model = patterns.build(*names)
    quantized, model_bytes = exported(model, images)

    report = audit(model_bytes)
    assert report.ok, report.to_text()
    assert not {"DEQUANTIZE", "SHAPE", "PACK", "STRIDED_SLICE"} & set(report.operators)
    for name, float_output, rounded_output, parity in zip(
        names,
        model(images, training=False),
        quantized(images, training=False),
        compare(quantized, model_bytes, images),
        strict=True,
    ):
        if "softmax" in name:
            # One step of a logit, of scale s, moves a probability by up to s / 4: that is 64 s steps of 1/256.
            assert parity.max_steps <= 6, (name, parity)
        else:
            assert parity.share_within_2 >= 0.99, (name, parity)
        assert parity.std_between_images_steps >= 5, (name, parity)  # the comparison says something
        assert parity.std_steps >= 15, (name, parity)
        # Rounding must not have changed what is computed.
        correlation = np.corrcoef(np.ravel(float_output), np.ravel(rounded_output))[0, 1]
        assert correlation > 0.99, (name, correlation)
