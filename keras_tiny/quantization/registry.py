"""Which layers can be quantized, and the part that each plays in the ranges; extends tfmot's 8-bit registry.

tfmot 0.8.1 refuses Multiply, a BatchNorm without convolution, custom layers and ReLU6 as a function.
"""

from __future__ import annotations

from enum import Enum

from keras_tiny.keras_api import keras
from keras_tiny.quantization.configs import SQUASHING, LayerConfig
from keras_tiny.quantization.fold import DepthwiseBatchNorm, FoldedConvolution
from keras_tiny.quantization.tfmot import QuantizeRegistry


class Part(Enum):
    """What a layer does to the range of its values."""

    COMPUTES = "computes new values, which need a range; a ReLU after it fuses into it on the board"
    ALONE = "computes new values, which need a range; an operator of its own, before and after"
    FUSES = "a ReLU: part of the operator before it, if nobody else reads that one's output"
    SQUASHES = "sigmoid, softmax, tanh: its output range is prescribed"
    GATHERS = "a concatenation: its inputs must have its own range"
    PASSES = "copies, selects or averages values: the range of its input goes through"


PARTS: dict[str, Part] = {
    **dict.fromkeys(
        ("Conv2D", "DepthwiseConv2D", "Conv2DTranspose", "Dense", "Add", "Subtract", "Multiply"),
        Part.COMPUTES,
    ),
    **dict.fromkeys(("FoldedConvolution", "DepthwiseBatchNorm"), Part.COMPUTES),
    **dict.fromkeys(("ShiftedReLU6", "Sixth"), Part.COMPUTES),  # their configs come with the transform
    **dict.fromkeys(("HardSwish", "LeakyReLU", "GlobalAveragePooling2D"), Part.ALONE),
    "ReLU": Part.FUSES,
    "Softmax": Part.SQUASHES,
    **dict.fromkeys(("Concatenate", "BoxOutputs"), Part.GATHERS),
    **dict.fromkeys(
        (
            "AveragePooling2D",
            "Cropping2D",
            "Dropout",
            "Flatten",
            "GlobalMaxPooling2D",
            "InputLayer",
            "MaxPooling2D",
            "Permute",
            "Reshape",
            "SpaceToDepth",
            "SpatialDropout2D",
            "UpSampling2D",
            "ZeroPadding2D",
        ),
        Part.PASSES,
    ),
}

ACTIVATION_PARTS = {
    "linear": Part.PASSES,
    "relu": Part.FUSES,
    "relu6": Part.FUSES,
    **dict.fromkeys(SQUASHING, Part.SQUASHES),
}


def activation_name(layer: keras.layers.Layer) -> str:
    """The activation inside a layer: "linear" if there is none."""
    activation = getattr(layer, "activation", None)
    return "linear" if activation is None else getattr(activation, "__name__", type(activation).__name__)


def part_of(layer: keras.layers.Layer) -> Part | None:
    """The part a layer plays, or None if it cannot be quantized."""
    if isinstance(layer, keras.layers.Activation):
        return ACTIVATION_PARTS.get(activation_name(layer))
    if activation_name(layer) not in ACTIVATION_PARTS:
        return None
    if type(layer) is keras.layers.ReLU:
        plain = not layer.negative_slope and not layer.threshold
        return Part.FUSES if plain and layer.max_value in (None, 6) else None  # RELU and RELU6
    if type(layer) is keras.layers.UpSampling2D and layer.interpolation not in ("nearest", "bilinear"):
        return None
    return PARTS.get(type(layer).__name__)


class TinyQuantizeRegistry(QuantizeRegistry):
    """tfmot's question per layer; the answer of one layer alone, before its neighbours are known (scheme.py)."""

    def supports(self, layer: keras.layers.Layer) -> bool:
        return part_of(layer) is not None

    def get_quantize_config(self, layer: keras.layers.Layer) -> LayerConfig:
        part = part_of(layer)
        if part is None:
            raise ValueError(f"layer '{layer.name}' ({type(layer).__name__}) cannot be quantized")
        if part is Part.PASSES:
            return LayerConfig()
        activation = activation_name(layer)
        if isinstance(layer, keras.layers.Softmax):
            activation = "softmax"
        has_kernel = isinstance(
            layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D | keras.layers.Dense
        )
        if activation in SQUASHING:
            inside = not isinstance(layer, keras.layers.Activation | keras.layers.Softmax)
            return LayerConfig(kernel=has_kernel, output=SQUASHING[activation], before_activation=inside)
        return LayerConfig(kernel=has_kernel, output="observed")


__all__ = [
    "DepthwiseBatchNorm",
    "FoldedConvolution",
    "Part",
    "TinyQuantizeRegistry",
    "activation_name",
    "part_of",
]
