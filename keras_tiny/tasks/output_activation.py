"""What a model's outputs are, scores of any size or probabilities, and how to get the scores back."""

from __future__ import annotations

from typing import Any, Literal

from keras_tiny.keras_api import keras, tf

EndsIn = Literal["logits", "sigmoid", "softmax"]

# Nearer to 0 or 1 a probability's logarithm means nothing.
_SMALLEST = 1e-6


def last_activation(model: Any) -> EndsIn:
    """How the first output of a model, float or quantized, is made."""
    layer = model.outputs[0]._keras_history.layer
    layer = getattr(layer, "layer", layer)  # inside tfmot's QuantizeWrapper
    if isinstance(layer, keras.layers.Softmax):
        return "softmax"
    activation = getattr(layer, "activation", None)
    activation = getattr(activation, "activation", activation)  # inside tfmot's QuantizeAwareActivation
    if activation is keras.activations.softmax:
        return "softmax"
    return "sigmoid" if activation is keras.activations.sigmoid else "logits"


def as_logits(outputs: tf.Tensor, ends_in: EndsIn) -> tf.Tensor:
    """Outputs → logits, float32."""
    outputs = tf.cast(outputs, tf.float32)
    if ends_in == "logits":
        return outputs
    shares = tf.clip_by_value(outputs, _SMALLEST, 1 - _SMALLEST)
    return tf.math.log(shares) - (tf.math.log1p(-shares) if ends_in == "sigmoid" else 0.0)
