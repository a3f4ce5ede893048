"""Classification: one class per picture, cross-entropy, accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras, tf
from keras_tiny.losses.classification import cross_entropy
from keras_tiny.metrics.classification import accuracy

NAME = "classification"
METRIC = "accuracy"


def check_model(model: Any, *, labels: tuple[str, ...], input_shape: tuple[int, int, int]) -> None:
    """Raise `BadInput` unless the model takes these pictures and answers with one number per class."""
    if len(model.inputs) != 1 or tuple(model.input_shape[1:]) != input_shape:
        raise BadInput(
            f"The model takes inputs of shape {model.input_shape}, the data gives {input_shape}.",
            hint="Build the model with the data's size, or load the data with image_size= of the model.",
        )
    if len(model.outputs) != 1 or len(model.output_shape) != 2:
        raise BadInput(f"A classifier has one output (batch, classes); this model has {model.output_shape}.")
    if model.output_shape[-1] != len(labels):
        raise BadInput(
            f"The model has {model.output_shape[-1]} outputs, the data has {len(labels)} classes "
            f"({', '.join(labels[:5])}{', …' if len(labels) > 5 else ''}).",
            hint=f"Build it with num_classes={len(labels)}.",
        )


def loss(targets: tf.Tensor, outputs: tf.Tensor, *, label_smoothing: float, probabilities: bool) -> tf.Tensor:
    """Cross-entropy per sample of logits, or of probabilities where the model ends in a softmax."""
    logits = tf.math.log(tf.maximum(tf.cast(outputs, tf.float32), 1e-7)) if probabilities else outputs
    return cross_entropy(targets, logits, label_smoothing=label_smoothing)


def ends_in_softmax(model: Any) -> bool:
    """Whether the model's outputs are probabilities instead of logits."""
    layer = model.layers[-1]
    layer = getattr(layer, "layer", layer)  # inside tfmot's QuantizeWrapper
    if isinstance(layer, keras.layers.Softmax):
        return True
    activation = getattr(layer, "activation", None)
    activation = getattr(activation, "activation", activation)  # inside tfmot's QuantizeAwareActivation
    return activation is keras.activations.softmax


def metric(outputs: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy, 0 to 1: the share of pictures whose largest output is their class; ties go to the lower index."""
    return accuracy(labels, np.argmax(outputs, axis=-1))
