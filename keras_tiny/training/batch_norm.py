"""BatchNorm's moving averages, made to fit the length of a run."""

from __future__ import annotations

from typing import Any

from keras_tiny.keras_api import keras


def fit_momentum(model: Any, *, steps: int) -> float:
    """Lower BatchNorm momenta so that the moving averages span at most a fortieth of the run.

    The 0.999 of the MobileNet papers needs several thousand steps before inference sees the statistics that training
    saw; in a run of 1,000 steps the validation metric would stay at chance. `1 - 40 / steps` is the bound: on the
    digits, MobileNetV2 0.35, `1 - 10 / steps` still kept validation at chance for the first half of the run.

    Args:
        steps: training steps of the run.

    Returns:
        the largest momentum in force (0 if the model has no BatchNorm).
    """
    bound = max(0.5, 1 - 40 / max(steps, 1))
    momenta = [0.0]
    for layer in model._flatten_layers(include_self=False, recursive=True):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = min(layer.momentum, bound)
            momenta.append(layer.momentum)
    return max(momenta)
