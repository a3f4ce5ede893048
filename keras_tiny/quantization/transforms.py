"""Graph rewrites before quantization, as tfmot transforms: from Keras' layers to what the board computes."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from keras_tiny.keras_api import keras, tf
from keras_tiny.quantization.configs import LayerConfig
from keras_tiny.quantization.quantizers import fixed_range
from keras_tiny.quantization.tfmot import LayerNode, LayerPattern, QuantizeLayer, Transform


def _node(layer: keras.layers.Layer, inputs: list[LayerNode], config: LayerConfig | None = None) -> LayerNode:
    """A new layer in tfmot's form: its serialized config, and how it is to be quantized."""
    serialized = keras.layers.serialize(layer, use_legacy_format=True)
    serialized["name"] = layer.name
    return LayerNode(serialized, input_layers=inputs, metadata={"quantize_config": config})


class FixInput(Transform):
    """Rounds the input over the range that the preprocessing defines; no data can move it.

    Args:
        input_range: (low, high) of the model's input.
    """

    def __init__(self, input_range: tuple[float, float]):
        self.input_range = input_range

    def pattern(self) -> LayerPattern:
        return LayerPattern("InputLayer")

    def replacement(self, match_layer: LayerNode) -> LayerNode:
        name = f"quantize_{match_layer.layer['config']['name']}"
        node = _node(QuantizeLayer(fixed_range(*self.input_range), name=name), [match_layer])
        node.metadata = {}  # it is the quantization itself: no config
        return node

    def custom_objects(self) -> dict[str, Any]:
        return {"QuantizeLayer": QuantizeLayer}


class FoldBatchNorm(Transform):
    """Convolution → BatchNorm becomes one FoldedConvolution that keeps the convolution's name."""

    def pattern(self) -> LayerPattern:
        convolutions = "Conv2D|DepthwiseConv2D|Conv2DTranspose"
        return LayerPattern(
            "BatchNormalization", inputs=[LayerPattern(f"({convolutions})", config={"activation": "linear"})]
        )

    def replacement(self, match_layer: LayerNode) -> LayerNode:
        return _folded(match_layer.input_layers[0], match_layer)


class KeepTransposedBias(Transform):
    """A transposed convolution without BatchNorm; see FoldedConvolution for what befalls a bias of zeros."""

    def pattern(self) -> LayerPattern:
        return LayerPattern("Conv2DTranspose", config={"activation": "(linear|relu|relu6)"})

    def replacement(self, match_layer: LayerNode) -> LayerNode:
        return _folded(match_layer, None)


def _folded(convolution: LayerNode, norm: LayerNode | None) -> LayerNode:
    """A FoldedConvolution under the convolution's name, in tfmot's form, with the weights of both."""
    base = {key: convolution.layer["config"][key] for key in ("name", "trainable", "dtype")}
    layer = {
        "class_name": "keras_tiny>FoldedConvolution",
        "config": {**base, "convolution": _nested(convolution), "norm": norm and _nested(norm)},
        "name": base["name"],
        "inbound_nodes": [],
    }
    weights = OrderedDict([*convolution.weights.items(), *(norm.weights.items() if norm else ())])
    return LayerNode(layer, weights, metadata={"quantize_config": None})


def _nested(node: LayerNode) -> dict:
    return {"class_name": node.layer["class_name"], "config": node.layer["config"]}


class BatchNormAlone(Transform):
    """A BatchNorm that no convolution takes in becomes a 1x1 depthwise."""

    def pattern(self) -> LayerPattern:
        return LayerPattern("BatchNormalization")

    def replacement(self, match_layer: LayerNode) -> LayerNode:
        match_layer.layer["class_name"] = "keras_tiny>DepthwiseBatchNorm"
        return match_layer


class SplitHardSigmoid(Transform):
    """relu6(x + 3) / 6 in two roundings: as one layer the converter leaves it in float.

    The first half fuses into the convolution before it (the 3 goes to the bias, ReLU6 to the clamp).
    """

    def pattern(self) -> LayerPattern:
        return LayerPattern("keras_tiny>HardSigmoid")

    def replacement(self, match_layer: LayerNode) -> LayerNode:
        name = match_layer.layer["config"]["name"]
        shifted = _node(ShiftedReLU6(name=f"{name}_relu6"), [], LayerConfig(output=(0.0, 6.0)))
        return _node(Sixth(name=name), [shifted], LayerConfig(output=(0.0, 1.0)))


@keras.saving.register_keras_serializable(package="keras_tiny")
class ShiftedReLU6(keras.layers.Layer):
    """relu6(x + 3), element by element.

    The 3 of the last channel is the next float32 above it. Where the convolution before has no bias, the threes become
    its bias, and the converter gives a bias of equal values the integer of its first channel for all of them, although
    every channel has a scale of its own.
    """

    def build(self, input_shape: Any) -> None:
        self._shift = np.full(int(input_shape[-1]), 3.0, np.float32)
        self._shift[-1] = np.nextafter(np.float32(3.0), np.float32(4.0))
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu6(inputs + self._shift)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


@keras.saving.register_keras_serializable(package="keras_tiny")
class Sixth(keras.layers.Layer):
    """x / 6, element by element."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return inputs * (1.0 / 6.0)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
