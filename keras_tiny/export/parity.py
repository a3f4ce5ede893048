"""How near the int8 file is to the fake-quantized model that it was converted from, in steps of the output."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tflite

from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras, tf
from mcu.tflite import read_model
from mcu.tflm import TflmInterpreter


@dataclass(frozen=True)
class Parity:
    """One output, over all its elements on all images.

    Attributes:
        max_steps: largest difference between file and model.
        share_within_1: share of the elements that differ by at most 1 step.
        share_within_2: share of the elements that differ by at most 2 steps.
        std_steps: standard deviation of the int8 output. Near 0 the comparison says nothing.
        std_between_images_steps: the same for one element from image to image, on average.
        correlation: of file and model from image to image, each element's mean taken off.
    """

    max_steps: int
    share_within_1: float
    share_within_2: float
    std_steps: float
    std_between_images_steps: float
    correlation: float


def compare(model: keras.Model, model_bytes: bytes, images: np.ndarray) -> tuple[Parity, ...]:
    """Run the same images through the fake-quantized model and through the file in TensorFlow Lite Micro.

    Both round at the same places, but not every rounding falls the same way: TensorFlow Lite Micro rounds twice where
    an accumulator becomes an int8, which differs by one step in about one value of a thousand. A network of depth
    carries such differences on, as it does any noise.

    Args:
        model: from `quantize`, calibrated or trained.
        model_bytes: what `convert` made of it.
        images: preprocessed, (images, height, width, channels).

    Returns:
        one Parity for each output of the model.

    Raises:
        BadInput: the file has another number of outputs than the model.
    """
    interpreter = TflmInterpreter(model_bytes)
    answers = [interpreter.invoke([interpreter.inputs[0].quantize(image[None])]) for image in images]
    expected = model(images, training=False)
    expected = expected if isinstance(expected, list | tuple) else [expected]
    if len(expected) != len(interpreter.outputs):
        raise BadInput(f"The model has {len(expected)} outputs, its file {len(interpreter.outputs)}.")
    return tuple(
        _parity(
            np.concatenate([answer[index] for answer in answers]), tensor.quantize(expected[index].numpy())
        )
        for index, tensor in enumerate(interpreter.outputs)
    )


def compare_layers(model: keras.Model, model_bytes: bytes, images: np.ndarray) -> dict[str, Parity]:
    """Layer by layer, each on the board's own inputs: where a difference arises, and not where it is carried to.

    The file runs with every rounded tensor as an output. Every layer of the model then computes from what the board has
    computed before it.

    Args:
        model: from `quantize`, calibrated or trained.
        model_bytes: what `convert` made of it.
        images: preprocessed, (images, height, width, channels).

    Returns:
        layer name → Parity of its rounded output, in the order of the model; without the layers that the converter
        has dropped, as it does with a mean over one pixel.
    """
    tensors = _tensors_of_layers(model_bytes)
    rounded = [name for name in rounded_layers(model) if name in tensors]
    interpreter = TflmInterpreter(_with_outputs(model_bytes, [tensors[name] for name in rounded]))
    answers = [interpreter.invoke([interpreter.inputs[0].quantize(image[None])]) for image in images]
    board = {
        name: (tensor, np.concatenate([answer[index] for answer in answers]))
        for index, (name, tensor) in enumerate(zip(rounded, interpreter.outputs, strict=True))
    }
    found = {}
    values: dict[str, tf.Tensor] = {}  # by the graph's own names for tensors
    depths = sorted(model._nodes_by_depth, reverse=True)
    for node in [node for depth in depths for node in model._nodes_by_depth[depth]]:
        layer = node.layer
        if node.is_input:
            output = tf.constant(images)
        else:
            inputs = [values[tensor] for tensor in node.flat_input_ids]
            output = layer(inputs if len(inputs) > 1 else inputs[0], training=False)
        if layer.name in board:
            tensor, answer = board[layer.name]
            found[layer.name] = _parity(answer, tensor.quantize(output.numpy()))
            output = tf.constant(tensor.dequantize(answer))
        (name,) = node.flat_output_ids
        values[name] = output
    return found


def rounded_layers(model: keras.Model) -> list[str]:
    """Names of the layers whose output the board stores as int8, in the order of the model."""
    return [layer.name for layer in model.layers if getattr(layer, "_output_quantizers", None)]


def _tensors_of_layers(model_bytes: bytes) -> dict[str, int]:
    """Layer name → index of the tensor that it computes; the converter calls it "model/layer/operation"."""
    graph = read_model(model_bytes)
    found: dict[str, int] = {}
    for operator in graph.operators:
        for index in operator.outputs:
            parts = graph.tensors[index].name.split(";")[0].split("/")
            if len(parts) > 2:
                found.setdefault(parts[1], index)  # later ones are copies with another range
    return found


def _with_outputs(model_bytes: bytes, tensors: Sequence[int]) -> bytes:
    """The same file with other tensors as its outputs: a new list at its end, and the reference to it moved there."""
    file = bytearray(model_bytes)
    file += bytes(-len(file) % 4)
    subgraph = tflite.Model.GetRootAs(file).Subgraphs(0)
    # SubGraph.outputs is field 2 of schema.fbs; a reference counts the bytes from where it stands to what it means.
    reference = subgraph._tab.Pos + subgraph._tab.Offset(4 + 2 * 2)
    struct.pack_into("<I", file, reference, len(file) - reference)
    return bytes(file) + struct.pack(f"<I{len(tensors)}i", len(tensors), *tensors)


def _parity(board: np.ndarray, desk: np.ndarray) -> Parity:
    board, desk = board.astype(np.float64), desk.astype(np.float64)
    steps = np.abs(board - desk)
    board_change, desk_change = board - board.mean(axis=0), desk - desk.mean(axis=0)
    norm = np.sqrt(np.square(board_change).sum() * np.square(desk_change).sum())
    return Parity(
        max_steps=int(steps.max()),
        share_within_1=float((steps <= 1).mean()),
        share_within_2=float((steps <= 2).mean()),
        std_steps=float(board.std()),
        std_between_images_steps=float(board.std(axis=0).mean()),
        correlation=float((board_change * desk_change).sum() / norm) if norm else 0.0,
    )


def random_statistics(model: keras.Model, images: np.ndarray, *, seed: int, damping: float = 1.0) -> None:
    """Give a fresh model weights on which an export can be judged, in place; kernels stay as they were initialised.

    Fresh weights hide faults: zero biases vanish from the file, and BatchNorm's statistics are the identity. Statistics
    drawn blindly are no better: the signal dies on the way, and every image gives the same answer. So gammas (a fifth
    of them negative), betas and biases are random, and moving statistics are those of the images up to a random
    factor, as after a training that is not finished.

    Args:
        images: preprocessed, (images, height, width, channels).
        damping: how many times larger than the images' the moving deviations become. At 1 a deep network is chaotic:
            each rounding that falls the other way grows from layer to layer, which training undoes.
    """
    random = np.random.default_rng(seed)
    every_layer = list(model._flatten_layers(include_self=False, recursive=True))
    norms = [layer for layer in every_layer if isinstance(layer, keras.layers.BatchNormalization)]
    for norm in norms:
        channels = norm.moving_mean.shape
        if norm.gamma is not None:
            norm.gamma.assign(
                random.uniform(0.7, 1.3, channels) * random.choice([1, -1], channels, p=[0.8, 0.2])
            )
        if norm.beta is not None:
            norm.beta.assign(random.normal(0, 0.5, channels))
    for layer in every_layer:
        if layer not in norms and getattr(layer, "bias", None) is not None:
            layer.bias.assign(random.normal(0, 0.2, layer.bias.shape))
    _take_statistics(model, norms, images)
    for norm in norms:
        spread = np.sqrt(norm.moving_variance.numpy())
        norm.moving_mean.assign_add(random.normal(0, 0.2, spread.shape) * spread)
        norm.moving_variance.assign(np.square(damping * spread * random.uniform(0.8, 1.25, spread.shape)))


def _take_statistics(model: keras.Model, norms: list, images: np.ndarray) -> None:
    """Sets moving statistics to those of one batch, through the model as it trains but without dropout."""
    dropouts = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    kept = [norm.momentum for norm in norms], [layer.rate for layer in dropouts]
    for norm in norms:
        norm.momentum = 0.0
    for layer in dropouts:
        layer.rate = 0.0
    model(images, training=True)
    for norm, momentum in zip(norms, kept[0], strict=True):
        norm.momentum = momentum
    for layer, rate in zip(dropouts, kept[1], strict=True):
        layer.rate = rate


def varied_images(shape: tuple[int, int, int], *, count: int, seed: int) -> np.ndarray:
    """Random images with structure at every scale, values k / 128 from -1 to 127/128, (count, *shape).

    White noise alone averages out: after pooling all images look the same to a network.
    """
    random = np.random.default_rng(seed)
    height, width, channels = shape
    images = random.normal(0, 0.4, (count, 1, 1, channels))
    for cells in (2, 4, 8, max(height, width)):
        coarse = random.normal(0, 0.35, (count, cells, cells, channels))
        rows, columns = np.arange(height) * cells // height, np.arange(width) * cells // width
        images = images + coarse[:, rows][:, :, columns]
    return (np.clip(np.rint(images * 128), -128, 127) / 128).astype(np.float32)
