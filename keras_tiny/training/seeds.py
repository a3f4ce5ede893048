"""The random generators that TensorFlow and Keras hold, put on seeds of ours (`keras_tiny.seeds`)."""

from __future__ import annotations

from typing import Any

from keras_tiny.keras_api import keras
from keras_tiny.seeds import derive


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
