"""How one layer is quantized, told to tfmot: which kernel, and which range its output gets."""

from __future__ import annotations

from typing import Any

from keras_tiny.keras_api import keras
from keras_tiny.quantization.fold import kernel_attribute, kernel_layout
from keras_tiny.quantization.quantizers import KernelQuantizer, RangeQuantizer, fixed_range
from keras_tiny.quantization.tfmot import QuantizeConfig

# The output ranges that the int8 operators themselves prescribe: scale 1/256 from 0, and 1/128 around 0.
SQUASHING = {
    "sigmoid": (0.0, 255 / 256),
    "softmax": (0.0, 255 / 256),
    "tanh": (-1.0, 127 / 128),
}


@keras.saving.register_keras_serializable(package="keras_tiny")
class LayerConfig(QuantizeConfig):
    """Rounds a layer's kernel, if it has one of its own, and its output.

    Args:
        kernel: round the layer's kernel.
        output: "observed" for a range learnt from data, "none" where the next layer's range counts (a fused
            activation, a concatenation) or the input's range goes through (pooling, reshape), or (low, high).
        before_activation: the activation inside the layer is an operator of its own on the board (softmax,
            sigmoid, tanh), so its input is rounded too.
    """

    def __init__(
        self,
        *,
        kernel: bool = False,
        output: str | tuple[float, float] = "none",
        before_activation: bool = False,
    ):
        self.kernel = kernel
        self.output = output if isinstance(output, str) else tuple(output)  # a list when it comes from a file
        self.before_activation = before_activation

    def get_weights_and_quantizers(self, layer: keras.layers.Layer) -> list[tuple[Any, Any]]:
        if not self.kernel:
            return []
        layout = kernel_layout(layer)
        # One scale in all is set by the largest weight: no channel can be dead on its own.
        bias = layer.bias if layer.use_bias and layout != "tensor" else None
        return [(getattr(layer, kernel_attribute(layer)), KernelQuantizer(layout=layout, bias=bias))]

    def set_quantize_weights(self, layer: keras.layers.Layer, quantize_weights: list[Any]) -> None:
        for weight in quantize_weights:
            setattr(layer, kernel_attribute(layer), weight)

    def get_activations_and_quantizers(self, layer: keras.layers.Layer) -> list[tuple[Any, Any]]:
        return [(layer.activation, RangeQuantizer())] if self.before_activation else []

    def set_quantize_activations(self, layer: keras.layers.Layer, quantize_activations: list[Any]) -> None:
        for activation in quantize_activations:
            layer.activation = activation

    def get_output_quantizers(self, layer: keras.layers.Layer) -> list[Any]:
        if isinstance(self.output, tuple):
            return [fixed_range(*self.output)]
        return [RangeQuantizer()] if self.output == "observed" else []

    def get_config(self) -> dict:
        return {"kernel": self.kernel, "output": self.output, "before_activation": self.before_activation}
