"""One seed decides a run: each use derives its own stream, by purpose and epoch, so a run can resume anywhere."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from keras_tiny.keras_api import keras


def derive(seed: int, *purpose: str | int) -> int:
    """A seed for one purpose, 0 <= value < 2^31, the same on every machine and Python."""
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little") >> 1


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A NumPy generator for one purpose."""
    return np.random.Generator(np.random.Philox(derive(seed, *purpose)))


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and TensorFlow's global generators: weight initialisers draw from them."""
    keras.utils.set_random_seed(seed)


class LayerRandomness:
    """The random generators inside a model's layers (dropout), put on seeds of ours, epoch by epoch.

    tf_keras draws dropout masks from stateful operations whose position in their sequence cannot be stored. Here
    each such layer gets a `tf.random.Generator`, reset at the start of every epoch, so that epoch k drops the same
    units whether or not the process was restarted before it.
    """

    def __init__(self, model: Any, *, seed: int):
        self._seed = seed
        self._generators = []
        for layer in model._flatten_layers(include_self=False, recursive=True):
            drawn_from = getattr(layer, "_random_generator", None)
            if drawn_from is not None:
                generator = type(drawn_from)(seed, rng_type="stateful")
                generator._maybe_init()
                layer._random_generator = generator
                self._generators.append(generator._generator)

    def start_epoch(self, phase: str, epoch: int) -> None:
        for index, generator in enumerate(self._generators):
            generator.reset_from_seed(derive(self._seed, "layer", phase, epoch, index))
