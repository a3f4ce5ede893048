"""A float model → its quantization-aware twin, by tensorflow-model-optimization with our scheme."""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path

from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras, require_keras2_model, tf
from keras_tiny.quantization.quantizers import sketching
from keras_tiny.quantization.registry import part_of
from keras_tiny.quantization.scheme import TinyQuantizeScheme
from keras_tiny.quantization.tfmot import (
    QuantizeLayer,
    QuantizeWrapper,
    quantize_scope,
)

# The default preprocessing: pixels 0..255 become -1 .. 127/128, so that the int8 input is `pixel - 128`.
DEFAULT_INPUT_RANGE = (-1.0, 127 / 128)


def quantize(model: keras.Model, *, input_range: tuple[float, float] = DEFAULT_INPUT_RANGE) -> keras.Model:
    """A copy of a float model that trains, and answers, as its int8 file will.

    Every convolution's and dense layer's weights are rounded to 8 bits, and every tensor that the board stores. The
    weights are copied; the float model is left as it is. Features beside the output come as a flat list. Run
    `calibrate` on it before judging it; training then moves the ranges along.

    Args:
        input_range: smallest and largest value of the preprocessed input; fixed, not learnt. With the default the
            exported input has scale 1/128 and zero point 0.

    Returns:
        an uncompiled model with the inputs and outputs of `model`.

    Raises:
        BadInput: a Keras 3 model, one that is quantized already, a layer that cannot be quantized (it is named), or
            an empty range.
    """
    require_keras2_model(model, verb="quantize")
    low, high = (float(bound) for bound in input_range)
    if not low < high:
        raise BadInput(
            f"input_range is empty: ({low}, {high}).", hint="Give (smallest, largest) input value."
        )
    if is_quantized(model):
        raise BadInput(f"Model '{model.name}' is quantized already.", hint="Pass the float model.")
    if not getattr(model, "_is_graph_network", False):
        raise BadInput(
            f"Model '{model.name}' is a subclassed model ({type(model).__qualname__}).",
            hint="Build it with the functional API or as Sequential.",
        )
    _check_layers(model)
    # The int8 grid always contains 0.
    scheme = TinyQuantizeScheme(input_range=(min(low, 0.0), max(high, 0.0)))
    with scope():
        flat = keras.Model(model.inputs, _flat(model.outputs), name=model.name)
        everything: dict[str, dict] = {layer.name: {} for layer in flat.layers}
        # The same as tfmot's quantize_apply over its quantize_annotate_model, without their four clones of the model.
        rewrite = scheme.get_layout_transformer().apply
        # There is nothing to convert in a layer, and it takes half the time.
        with sketching():
            quantized, _ = tf.autograph.experimental.do_not_convert(rewrite)(flat, everything)
    return quantized


def is_quantized(model: keras.Model) -> bool:
    """Whether the model came out of `quantize`."""
    return any(isinstance(layer, QuantizeWrapper | QuantizeLayer) for layer in model.layers)


def scope() -> AbstractContextManager:
    """Inside, Keras can load and clone quantized models and the garden's own layers."""
    import_module("keras_tiny.blocks.activation")  # registers its layers
    ours = {
        name.partition(">")[2]: kind
        for name, kind in keras.saving.get_custom_objects().items()
        if name.startswith("keras_tiny>")
    }
    return quantize_scope(ours)  # by their bare names, which the .h5 format uses


def load(path: str | Path) -> keras.Model:
    """A saved model, quantized or float, with its optimizer where it was saved with one."""
    with scope(), sketching():
        return keras.models.load_model(str(path))


def _flat(outputs: list) -> list | keras.KerasTensor:
    return outputs[0] if len(outputs) == 1 else list(outputs)


def _check_layers(model: keras.Model) -> None:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            raise BadInput(
                f"Layer '{layer.name}' of model '{model.name}' is a model itself.",
                hint="Build the graph flat: call the inner model's builder function on the tensors.",
            )
        known = isinstance(layer, keras.layers.BatchNormalization | keras.layers.SeparableConv2D)
        if part_of(layer) is None and not known and type(layer).__name__ != "HardSigmoid":
            raise BadInput(
                f"Layer '{layer.name}' ({type(layer).__name__}) cannot be quantized to int8.",
                hint="Replace it by a layer of docs/reference/quantization.md, or take it out of the model.",
            )
