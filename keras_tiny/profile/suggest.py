"""What would bring a segmenter under a given RAM: another upsampling, thinner skips, a smaller picture.

Two things make a U-Net large on a board. TensorFlow Lite Micro's TRANSPOSE_CONV sums up in int32 in a scratch buffer
of four times its output, where a 1x1 convolution and a resize need none. And a skip from encoder to decoder waits in
memory while everything between them runs. Both are read from the int8 file; what an option saves is computed on its
graph, tensor by tensor, so that a suggestion is a number and not an opinion. Build the network to be sure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keras_tiny.errors import BadInput
from keras_tiny.profile.memory import lifetimes, scratch_bytes
from mcu.errors import MissingExtra
from mcu.tflite import TfliteModel, check_graph, read_model
from mcu.tflm import measure_arena

# A tensor that outlives this many operators after the one that computed it waits; a residual's shortcut does not.
LONG_SKIP_OPERATORS = 6

_SIDE_STEP = 8  # pixels; the garden's segmenters halve at least three times


@dataclass(frozen=True)
class Suggestion:
    """One change, or several together.

    Attributes:
        option: what to change, in a few words.
        arena_bytes: estimate for the changed network.
        saved_bytes: compared with the network as it is.
        fits: whether that is within the RAM that was asked for.
    """

    option: str
    arena_bytes: int
    saved_bytes: int
    fits: bool


@dataclass(frozen=True)
class Cost:
    """A layer, and what it takes in memory beside the rest."""

    layer: str
    bytes: int


def suggest(model: bytes | TfliteModel, *, ram_bytes: int) -> tuple[Suggestion, ...]:
    """What would help an int8 file into `ram_bytes`, the smallest change first; only what saves anything.

    Empty for a network that fits as it is, or that nothing here helps.

    Args:
        ram_bytes: for the arena, beside stack and the rest of the program.

    Raises:
        BadInput: no RAM at all; ModelFileError: not a .tflite file.
    """
    if ram_bytes <= 0:
        raise BadInput(f"ram_bytes is {ram_bytes}; it must be positive.")
    graph = model if isinstance(model, TfliteModel) else read_model(model)
    check_graph(graph)
    sizes = _sizes(graph)
    now = _peak(graph, sizes)
    beside = max(0, _arena(model, least=now) - now)  # what the interpreter takes for itself
    if now + beside <= ram_bytes:
        return ()
    resized = any(operator.name == "TRANSPOSE_CONV" for operator in graph.operators)
    thin = _halved(graph, sizes, long_skips(graph))
    upsample, skips = 'upsample="bilinear" or "nearest"', "half the channels in the long skips"
    peaks: dict[str, int] = {}
    if resized:
        peaks[upsample] = _peak(graph, sizes, resized=True)
    if thin != sizes:
        peaks[skips] = _peak(graph, thin)
    if len(peaks) == 2:
        peaks[f"{upsample}, and {skips}"] = _peak(graph, thin, resized=True)
    found = [
        Suggestion(option, peak + beside, now - peak, peak + beside <= ram_bytes)
        for option, peak in peaks.items()
        if peak < now
    ]
    for option, peak in [("", now), *peaks.items()]:
        smaller = _side(graph, peak, budget=ram_bytes - beside)
        if smaller is not None and not (option and peak + beside <= ram_bytes):
            side, left = smaller
            text = f"{option}, and input_shape {side}" if option else f"input_shape {side}"
            found.append(Suggestion(text, left + beside, now - left, True))
    return tuple(found)


def transposed_convolutions(model: bytes | TfliteModel) -> tuple[Cost, ...]:
    """Each transposed convolution and the scratch that it asks for, the largest first."""
    graph = model if isinstance(model, TfliteModel) else read_model(model)
    costs = [
        Cost(graph.layer_of(operator), scratch_bytes(operator.name, graph.outputs_of(operator)))
        for operator in graph.operators
        if operator.name == "TRANSPOSE_CONV"
    ]
    return tuple(sorted(costs, key=lambda cost: -cost.bytes))


def long_skips(model: bytes | TfliteModel) -> dict[int, Cost]:
    """Tensor index → what waits for a reader that comes more than `LONG_SKIP_OPERATORS` operators later."""
    graph = model if isinstance(model, TfliteModel) else read_model(model)
    births, deaths = lifetimes(graph)
    owners = {index: operator for operator in graph.operators for index in operator.outputs}
    return {
        index: Cost(graph.layer_of(owners[index]), graph.tensors[index].nbytes)
        for index in births
        if index in owners
        and deaths[index] - births[index] > LONG_SKIP_OPERATORS
        and index not in graph.outputs
    }


def _sizes(graph: TfliteModel) -> dict[int, int]:
    births, _ = lifetimes(graph)
    return {index: graph.tensors[index].nbytes for index in births}


def _halved(graph: TfliteModel, sizes: Mapping[int, int], skips: Mapping[int, Cost]) -> dict[int, int]:
    """Sizes with half of each skip, also in what it is concatenated into."""
    thin = {index: size // 2 if index in skips else size for index, size in sizes.items()}
    for operator in graph.operators:
        if operator.name == "CONCATENATION":
            saved = sum(sizes[index] - thin[index] for index in operator.inputs if index in skips)
            thin[operator.outputs[0]] -= saved
    return thin


def _peak(graph: TfliteModel, sizes: Mapping[int, int], *, resized: bool = False) -> int:
    """The largest sum of live tensors and scratch.

    Args:
        resized: transposed convolutions taken for a 1x1 convolution, whose output has a quarter of the pixels, and a
            resize after it.
    """
    births, deaths = lifetimes(graph)
    most = 0
    for operator in graph.operators:
        live = sum(size for index, size in sizes.items() if births[index] <= operator.index <= deaths[index])
        if operator.name != "TRANSPOSE_CONV":
            most = max(most, live)
            continue
        made = sum(sizes[index] for index in operator.outputs)
        if not resized:
            most = max(most, live + scratch_bytes(operator.name, graph.outputs_of(operator)))
            continue
        read = sum(sizes[i] for i in operator.inputs if i in sizes and deaths[i] == operator.index)
        most = max(most, live - made + made // 4, live - read + made // 4)
    return most


def _arena(model: bytes | TfliteModel, *, least: int) -> int:
    """Measured where the interpreter is installed and the file is at hand, else the activations alone."""
    if isinstance(model, TfliteModel):
        return least
    try:
        arena = measure_arena(model)
    except MissingExtra:
        return least
    return arena.total_bytes_32bit or arena.total_bytes


def _side(graph: TfliteModel, peak: int, *, budget: int) -> tuple[str, int] | None:
    """The largest smaller picture, "height x width", whose activations fit, and their peak; they go with its area."""
    _, height, width, _ = graph.tensors[graph.inputs[0]].shape
    for shrunk in range(height - _SIDE_STEP, 0, -_SIDE_STEP):
        narrow = round(width * shrunk / height / _SIDE_STEP) * _SIDE_STEP
        if narrow < _SIDE_STEP:
            return None
        left = -(-peak * shrunk * narrow // (height * width))
        if left <= budget:
            return f"{shrunk}x{narrow}", left
    return None
