"""How a graph becomes a model: the output activation, and the features beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from keras_tiny.keras_api import keras

OutputActivation = Literal["logits", "auto"]
OUTPUT_ACTIVATIONS: tuple[OutputActivation, ...] = ("logits", "auto")


def finish(
    image: Any,
    logits: Any,
    features: Sequence[Any],
    *,
    output_activation: OutputActivation,
    return_features: bool,
    name: str,
) -> keras.Model:
    """The model `image` → y, or `image` → [y, [features...]].

    Args:
        output_activation: "logits" leaves them; "auto" is sigmoid for one channel and softmax for more.
    """
    y = logits
    if output_activation == "auto":
        kind = "sigmoid" if logits.shape[-1] == 1 else "softmax"
        y = keras.layers.Activation(kind, name=kind)(logits)
    return keras.Model(image, [y, list(features)] if return_features else y, name=name)


def feature_model(image: Any, features: Sequence[Any], *, name: str) -> keras.Model:
    """The model `image` → [features...]."""
    return keras.Model(image, list(features), name=name)
