"""Count parameters and multiply-accumulates of a tf_keras model, in our convention or in that of the tool `thop`.

Ours: convolution, depthwise, transposed convolution and dense multiply-accumulates for one image; biases and
BatchNorm excluded, because BatchNorm folds. thop adds 4 per element that passes an affine BatchNorm
(thop: `vision/calc_func.py` counts 2, `vision/basic_hooks.py` doubles it).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras, require_keras2_model

Convention = Literal["keras_tiny", "thop"]
CONVENTIONS: tuple[Convention, ...] = ("keras_tiny", "thop")


@dataclass(frozen=True)
class LayerCost:
    """One layer as it is listed for people.

    Attributes:
        kind: its class.
        output_shape: without batch.
        params: trainable parameters.
        macs: multiply-accumulates of one image.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    params: int
    macs: int


def layer_costs(model: Any, *, convention: Convention = "keras_tiny") -> tuple[LayerCost, ...]:
    """Every call of every layer, from the input to the outputs; the sums are `count_params` and `count_macs`.

    Raises:
        BadInput: see `count_macs`.
    """
    _check(model, convention)
    seen: set[int] = set()
    costs = []
    for layer, node in _calls(model):
        # A layer that is called twice has its parameters once.
        params = sum(prod(w.shape) for w in layer.weights if w.trainable) if id(layer) not in seen else 0
        seen.add(id(layer))
        shape = node.output_shapes[0] if isinstance(node.output_shapes, list) else node.output_shapes
        costs.append(
            LayerCost(
                layer.name,
                type(layer).__name__,
                tuple(shape[1:]),
                params,
                _layer_macs(layer, node, convention),
            )
        )
    return tuple(costs)


def count_params(model: Any) -> int:
    """Parameters that training can change, BatchNorm's gamma and beta included, its statistics not.

    Frozen layers count, and so does their state: what matters is what the weight is, not what is trained now.
    """
    require_keras2_model(model, verb="count the parameters of")
    return sum(prod(weight.shape) for weight in model.weights if weight.trainable)


def count_batch_norm_statistics(model: Any) -> int:
    """Running means and variances of all BatchNorm layers."""
    require_keras2_model(model, verb="count the BatchNorm statistics of")
    norms = {
        id(layer): layer for layer, _ in _calls(model) if isinstance(layer, keras.layers.BatchNormalization)
    }
    return sum(
        prod(weight.shape) for norm in norms.values() for weight in (norm.moving_mean, norm.moving_variance)
    )


def count_macs(model: Any, *, convention: Convention = "keras_tiny") -> int:
    """Multiply-accumulates of one forward pass of one image.

    Raises:
        BadInput: an input of unknown size, or a layer with weights that has no rule here.
    """
    _check(model, convention)
    return sum(_layer_macs(layer, node, convention) for layer, node in _calls(model))


def _check(model: Any, convention: str) -> None:
    require_keras2_model(model, verb="count the MACs of")
    if convention not in CONVENTIONS:
        raise BadInput(f"convention must be one of {', '.join(CONVENTIONS)}; received {convention!r}.")


def _calls(model: Any) -> Iterator[tuple[Any, Any]]:
    """Each call of each layer, from the input on, nested models opened; a layer that is used twice counts twice."""
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            layer = node.layer
            if isinstance(layer, keras.Model):
                yield from _calls(layer)
            else:
                # A wrapper (quantization's, for one) computes what the layer inside it computes.
                yield getattr(layer, "layer", layer), node


def _layer_macs(layer: Any, node: Any, convention: Convention) -> int:
    layers = keras.layers
    if isinstance(layer, layers.BatchNormalization):
        affine = layer.scale or layer.center
        return 4 * _elements(layer, node.output_shapes) if convention == "thop" and affine else 0
    if isinstance(layer, layers.Conv2DTranspose):
        return _positions(layer, node.input_shapes) * prod(layer.kernel.shape)
    if isinstance(layer, layers.DepthwiseConv2D):
        return _positions(layer, node.output_shapes) * prod(layer.depthwise_kernel.shape)
    if isinstance(layer, layers.Conv2D):
        # The kernel's shape is (height, width, channels in / groups, channels out).
        return _positions(layer, node.output_shapes) * prod(layer.kernel.shape)
    if isinstance(layer, layers.Dense):
        return _positions(layer, node.output_shapes) * prod(layer.kernel.shape)
    if any(weight.trainable for weight in layer.weights):
        raise BadInput(
            f"No rule counts the MACs of layer '{layer.name}' ({type(layer).__name__}).",
            hint="keras_tiny counts Conv2D, DepthwiseConv2D, Conv2DTranspose, Dense and BatchNormalization.",
        )
    return 0


def _positions(layer: Any, shape: tuple[int | None, ...]) -> int:
    """Height × width of one image's map; 1 for a vector."""
    return _known(layer, shape[1:-1])


def _elements(layer: Any, shape: tuple[int | None, ...]) -> int:
    return _known(layer, shape[1:])


def _known(layer: Any, sides: tuple[int | None, ...]) -> int:
    known = [side for side in sides if side is not None]
    if len(known) != len(sides):
        raise BadInput(
            f"The size of layer '{layer.name}' is not known: {sides}.",
            hint="Build the model for an input of known height and width.",
        )
    return prod(known)
