"""A network and a few digits, small enough to train in a second."""

from __future__ import annotations

from typing import Any

from tests.support import require


def small_model(seed: int = 3, *, classes: int = 10, dropout: float = 0.2) -> Any:
    """One convolution and a dense layer over 12x12x1, with dropout; layers are named."""
    require("module:tensorflow")
    from keras_tiny.keras_api import keras
    from keras_tiny.training.seeds import seed_everything

    seed_everything(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(6.0, name="relu"),
            layers.Flatten(name="flat"),
            layers.Dropout(dropout, name="dropout"),
            layers.Dense(classes, name="head"),
        ]
    )


def few_digits() -> tuple[Any, Any]:
    """The task for `small_model`, and 320, 100 and 100 digits as `train_phase` takes them."""
    model = small_model()
    from keras_tiny.data import load
    from keras_tiny.tasks import task_for
    from keras_tiny.training.pipeline import PreparedData, prepare

    source = load("digits", image_size=12, channels=1)
    task = task_for(model, source)
    whole = prepare(task, source)
    return task, PreparedData(whole.train[:320], whole.val[:100], whole.test[:100])
