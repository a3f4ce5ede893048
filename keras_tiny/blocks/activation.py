"""Activations as layers of their own, so that quantization sees them (MobileNetV3, arXiv:1905.02244)."""

from __future__ import annotations

from typing import Any, Literal

from keras_tiny.keras_api import keras, tf

Activation = Literal["relu6", "relu", "leaky_relu", "hard_swish"]
ACTIVATIONS: tuple[Activation, ...] = ("relu6", "relu", "leaky_relu", "hard_swish")


@keras.saving.register_keras_serializable(package="keras_tiny")
class HardSwish(keras.layers.Layer):
    """x * relu6(x + 3) / 6, element by element; TensorFlow Lite turns it into one HARD_SWISH."""

    def call(self, inputs: Any) -> Any:
        return inputs * (tf.nn.relu6(inputs + 3.0) * (1.0 / 6.0))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


@keras.saving.register_keras_serializable(package="keras_tiny")
class HardSigmoid(keras.layers.Layer):
    """relu6(x + 3) / 6, element by element, in [0, 1]: the gate of squeeze-and-excite."""

    def call(self, inputs: Any) -> Any:
        return tf.nn.relu6(inputs + 3.0) * (1.0 / 6.0)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


def activate(x: Any, activation: Activation, *, name: str) -> Any:
    """`x` after the activation; the layer is called `<name>_<activation>`."""
    layer_name = f"{name}_{activation}"
    if activation == "relu6":
        return keras.layers.ReLU(6.0, name=layer_name)(x)
    if activation == "relu":
        return keras.layers.ReLU(name=layer_name)(x)
    if activation == "leaky_relu":
        # 0.1, a slope that int8 resolves; Keras' default of 0.3 leaves little of a non-linearity.
        return keras.layers.LeakyReLU(alpha=0.1, name=layer_name)(x)
    return HardSwish(name=layer_name)(x)
