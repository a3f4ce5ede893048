"""Halve a map without losing a value (SPD-Conv, arXiv:2208.03641)."""

from __future__ import annotations

from typing import Any

from keras_tiny.keras_api import keras, tf


@keras.saving.register_keras_serializable(package="keras_tiny")
class SpaceToDepth(keras.layers.Layer):
    """(batch, height, width, c) → (batch, height / n, width / n, n²·c); one SPACE_TO_DEPTH on the device.

    Args:
        block_size: n; height and width must be multiples of it. Output channels are ordered (dy, dx, c).
    """

    def __init__(self, block_size: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self.block_size = block_size

    def call(self, inputs: Any) -> Any:
        return tf.nn.space_to_depth(inputs, self.block_size)

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, height, width, channels = tuple(input_shape)
        n = self.block_size
        return batch, height // n, width // n, channels * n * n

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "block_size": self.block_size}
