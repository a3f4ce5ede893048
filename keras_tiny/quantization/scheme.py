"""Where the roundings go: one per tensor that the board stores as int8, and nowhere else (tfmot QuantizeScheme)."""

from __future__ import annotations

from typing import Any

from keras_tiny.keras_api import keras
from keras_tiny.quantization.configs import LayerConfig
from keras_tiny.quantization.registry import Part, TinyQuantizeRegistry, activation_name, part_of
from keras_tiny.quantization.tfmot import (
    ModelTransformer,
    QuantizeLayer,
    QuantizeLayoutTransform,
    QuantizeScheme,
    QuantizeWrapperV2,
    SplitSeparableConv,
)
from keras_tiny.quantization.transforms import (
    BatchNormAlone,
    FixInput,
    FoldBatchNorm,
    KeepTransposedBias,
    SplitHardSigmoid,
)


class TinyQuantizeScheme(QuantizeScheme):
    """8 bits for TensorFlow Lite Micro.

    Args:
        input_range: (low, high) that the preprocessing gives.
    """

    def __init__(self, *, input_range: tuple[float, float]):
        self.input_range = input_range

    def get_layout_transformer(self) -> QuantizeLayoutTransform:
        return _LayoutTransform(self.input_range)

    def get_quantize_registry(self) -> TinyQuantizeRegistry:
        return TinyQuantizeRegistry()


class _LayoutTransform(QuantizeLayoutTransform):
    def __init__(self, input_range: tuple[float, float]):
        self.input_range = input_range

    def apply(self, model: keras.Model, layer_quantize_map: dict) -> tuple[keras.Model, dict]:
        """Rewrite, plan and wrap: the model that comes back is quantized."""
        transforms = [
            FixInput(self.input_range),
            SplitSeparableConv(),
            FoldBatchNorm(),
            BatchNormAlone(),  # after the folding: takes what is left
            KeepTransposedBias(),
            SplitHardSigmoid(),
        ]
        model, layer_quantize_map = ModelTransformer(
            model, transforms, set(layer_quantize_map), layer_quantize_map
        ).transform()
        configs = plan(model)

        def wrap(layer: keras.layers.Layer) -> keras.layers.Layer:
            if isinstance(layer, QuantizeLayer):
                return QuantizeLayer.from_config(layer.get_config())  # it has no weights of its own
            return QuantizedLayer(layer, configs[layer.name]) if layer.name in configs else layer

        # tfmot leaves alone what is wrapped already.
        return keras.models.clone_model(model, clone_function=wrap), layer_quantize_map


@keras.saving.register_keras_serializable(package="keras_tiny")
class QuantizedLayer(QuantizeWrapperV2):
    """tfmot's wrapper around one layer, with the same list of weights however it came to be built.

    The original lists the layer's weights a second time if the layer was built first, so that a model just quantized
    and the same model loaded from a .keras file would not agree.
    """

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self._trainable_weights[:] = [weight for weight, _, _ in self._weight_vars]


def plan(model: keras.Model) -> dict[str, LayerConfig]:
    """The config of every layer, by its name, seen with its neighbours.

    A layer's output is not rounded where its only reader is a ReLU that fuses into it, or (through pooling and the
    like) a concatenation, whose range then is its own.
    """
    registry = TinyQuantizeRegistry()
    configs = {
        layer.name: registry.get_quantize_config(layer)
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer | QuantizeLayer) and registry.supports(layer)
    }
    for layer in model.layers:
        part = part_of(layer)
        if part is Part.FUSES or type(layer).__name__ == "ShiftedReLU6":
            source = _only_reader_of(layer, model)
            if (
                source is not None
                and part_of(source) is Part.COMPUTES
                and activation_name(source) == "linear"
            ):
                configs[source.name].output = "none"
        if isinstance(layer, keras.layers.AveragePooling2D):
            source = _origin(layer)
            if isinstance(source, QuantizeLayer):
                # Its mean keeps the image's range, whatever range a concatenation behind it may ask for.
                configs[layer.name].output = (source.quantizer.init_min, source.quantizer.init_max)
        if part is Part.GATHERS:
            for source in _sources(layer):
                while source is not None and part_of(source) is Part.PASSES and _readers(source, model) == 1:
                    upstream = _sources(source)
                    source = upstream[0] if len(upstream) == 1 else None
                if source is None or _readers(source, model) > 1:
                    continue
                if source.name in configs and configs[source.name].output == "observed":
                    configs[source.name].output = "none"
    return configs


def _origin(layer: keras.layers.Layer) -> keras.layers.Layer | None:
    """The layer whose range reaches this one, which only passes it on."""
    sources = _sources(layer)
    while len(sources) == 1 and part_of(sources[0]) is Part.PASSES:
        sources = _sources(sources[0])
    return sources[0] if len(sources) == 1 else None


def _sources(layer: keras.layers.Layer) -> list[keras.layers.Layer]:
    inbound = layer._inbound_nodes[0].inbound_layers if layer._inbound_nodes else []
    return list(inbound) if isinstance(inbound, list | tuple) else [inbound]


def _readers(layer: keras.layers.Layer, model: keras.Model) -> int:
    """How many times the layer's output is read, the model's own outputs included."""
    as_output = sum(output is layer for output in model._output_layers)
    return len(layer._outbound_nodes) + as_output


def _only_reader_of(layer: keras.layers.Layer, model: keras.Model) -> Any:
    """The layer before, if `layer` is the only one to read it."""
    sources = _sources(layer)
    return sources[0] if len(sources) == 1 and _readers(sources[0], model) == 1 else None
