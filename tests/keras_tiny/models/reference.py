"""Make two models hold the same weights, with BatchNorm statistics and biases that are not the fresh ones."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from keras_tiny import models
from keras_tiny.keras_api import keras


@cache
def _cached(name: str, arguments: tuple[tuple[str, Any], ...]) -> Any:
    keras.utils.set_random_seed(0)
    return models.build(name, **dict(arguments))


def cached_build(name: str, **arguments: Any) -> Any:
    """`models.build`, once for all tests that only look at the model; building one takes seconds."""
    return _cached(name, tuple(sorted(arguments.items())))


def randomise(model: Any, x: np.ndarray, *, seed: int) -> None:
    """Random kernels, BatchNorm statistics, gammas and betas, and biases that are not zero, all of them from `seed`.

    Kernels are He-normal: the initial ones come from the process's own random state, which a test that ran before
    has moved. The statistics are those of `x`, then shaken: wholly invented ones would let the signal die out on its
    way, and two models that answer the same to every image agree about nothing.
    """
    rng = np.random.default_rng(seed)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for weight in model.weights:
        name, shape = weight.name.split(":")[0].rsplit("/", 1)[-1], weight.shape
        if name == "gamma":
            weight.assign(rng.uniform(0.5, 1.5, shape))
        elif name in ("beta", "bias"):
            weight.assign(rng.normal(0.0, 0.3, shape))
        elif "kernel" in name:
            fan_in = np.prod(shape[:2] if name == "depthwise_kernel" else shape[:-1])
            weight.assign(rng.normal(0.0, np.sqrt(2.0 / fan_in), shape))
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    model(x, training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        deviation = np.sqrt(norm.moving_variance.numpy())
        norm.moving_mean.assign_add(0.3 * deviation * rng.normal(size=deviation.shape))
        norm.moving_variance.assign(norm.moving_variance * rng.uniform(0.7, 1.5, deviation.shape))


def copy_weights(source: Any, target: Any) -> None:
    """Copy in order of construction; both models must list the same shapes."""
    assert [w.shape for w in source.weights] == [w.shape for w in target.weights]
    target.set_weights(source.get_weights())


def images(shape: tuple[int, int, int], *, count: int = 4, seed: int = 0) -> np.ndarray:
    """Random images in [-1, 1]."""
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (count, *shape)).astype(np.float32)


def assert_same_logits(ours: Any, reference: Any, x: np.ndarray) -> None:
    """Equal to 1e-5, on logits that depend on the image."""
    expected = reference(x, training=False).numpy()
    assert expected.std(axis=0).min() > 0.02, "logits that hardly depend on the image would prove little"
    np.testing.assert_allclose(ours(x, training=False).numpy(), expected, rtol=0, atol=1e-5)
