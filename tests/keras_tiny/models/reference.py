"""Make two models hold the same weights, with BatchNorm statistics and biases that are not the fresh ones."""

from __future__ import annotations

from typing import Any

import numpy as np


def randomise(model: Any, *, seed: int) -> None:
    """Random BatchNorm statistics, gammas and betas, and biases that are not zero; kernels stay as initialised."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        name, shape = weight.name.split(":")[0].rsplit("/", 1)[-1], weight.shape
        if name in ("gamma", "moving_variance"):
            weight.assign(rng.uniform(0.5, 1.5, shape))
        elif name in ("beta", "moving_mean", "bias"):
            weight.assign(rng.normal(0.0, 0.3, shape))


def logits_of(reference: Any) -> Any:
    """The keras.applications model without its classifier activation."""
    reference.layers[-1].activation = None
    return reference


def copy_weights(source: Any, target: Any) -> None:
    """Copy in order of construction; both models must list the same shapes."""
    assert [w.shape for w in source.weights] == [w.shape for w in target.weights]
    target.set_weights(source.get_weights())


def images(shape: tuple[int, int, int], *, count: int = 2, seed: int = 0) -> np.ndarray:
    """Random images in [-1, 1]."""
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (count, *shape)).astype(np.float32)
