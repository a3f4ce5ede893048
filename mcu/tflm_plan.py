"""How much arena TensorFlow Lite Micro needs for a model, planned from the file: no wheel, no C++, any computer.

The head (activations, scratch) is planned as its greedy planner does it (tensorflow/lite/micro/memory_planner/
greedy_memory_planner.cc): the largest buffer first, each at the lowest offset that is free all its life. Lifetimes are
those of micro_allocation_info.cc, sizes rounded up to 16 bytes. The tail (structs, kernels' own data) is added up from
the sizes of the structs in tensorflow/lite/c/common.h and of what each kernel was seen to ask for. Tests hold both to
the real interpreter: the head exactly, the total within 2 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mcu.tflite import TfliteModel, TfliteOperator, check_graph, read_model

ALIGNMENT_BYTES = 16  # MicroArenaBufferAlignment()


class PlannedBuffer(NamedTuple):
    """A tensor, by its layer's name, or scratch: in the head from operator `first` to `last`, both included."""

    name: str
    bytes: int
    first: int
    last: int
    offset: int


class _Sizes(NamedTuple):
    """Structs of the interpreter in bytes, and its own state."""

    eval_tensor: int
    node: int
    edge: int  # of an input or output of the model: a TfLiteTensor, its quantization, a pointer to it
    allocation_info: int  # of a tensor or a scratch buffer, while memory is planned
    fixed: int


# On a 64-bit host and on a microcontroller. The interpreter's own state shrinks too, by what is in no report: left.
_HOST = _Sizes(24, 64, 64 + 32 + 8, 32, 560)
_BOARD = _Sizes(12, 32, 40 + 20 + 4, 24, 560)
_PLANNER_BYTES = 40  # of each buffer, while memory is planned (GreedyMemoryPlanner::per_buffer_size)
_PLANNING_SLACK_BYTES = 64

# What a kernel keeps beside its two arrays per channel: its data, and the options that it has parsed. From single
# operators in the interpreter; data of a kernel that was not seen errs upwards.
_KERNEL_BYTES = {
    "ADD": 72,
    "AVERAGE_POOL_2D": 72,
    "CONCATENATION": 88,
    "CONV_2D": 108,
    "DEPTHWISE_CONV_2D": 108,
    "DEPTH_TO_SPACE": 36,
    "FULLY_CONNECTED": 80,
    "HARD_SWISH": 32,
    "LEAKY_RELU": 36,
    "LOGISTIC": 16,
    "MAX_POOL_2D": 72,
    "MEAN": 73,
    "MUL": 52,
    "PAD": 64,
    "PADV2": 64,
    "QUANTIZE": 32,
    "RELU": 32,
    "RELU6": 16,
    "RESHAPE": 36,
    "RESIZE_BILINEAR": 2,
    "RESIZE_NEAREST_NEIGHBOR": 2,
    "SOFTMAX": 84,
    "SPACE_TO_DEPTH": 36,
    "TRANSPOSE_CONV": 124,
}
_OTHER_KERNEL_BYTES = 128
_CHANNEL_AXIS = {"CONV_2D": 0, "TRANSPOSE_CONV": 0, "FULLY_CONNECTED": 0, "DEPTHWISE_CONV_2D": 3}


@dataclass(frozen=True)
class TflmPlan:
    """The arena of one model.

    Attributes:
        buffers: where everything in the head lies.
        head_bytes: activations and scratch, the same on every machine.
        tail_bytes: on a 64-bit host; tail_bytes_32bit: on a microcontroller.
        total_bytes, total_bytes_32bit: head and tail; of a tiny model more, since planning itself needs the head.
        peak_index: the operator during which the most bytes are in use.
    """

    buffers: tuple[PlannedBuffer, ...]
    head_bytes: int
    tail_bytes: int
    tail_bytes_32bit: int
    total_bytes: int
    total_bytes_32bit: int
    peak_index: int

    @property
    def at_peak(self) -> tuple[PlannedBuffer, ...]:
        """What is in use at the peak, the largest first."""
        alive = [each for each in self.buffers if each.first <= self.peak_index <= each.last]
        return tuple(sorted(alive, key=lambda each: -each.bytes))


def plan_tflm(model: bytes | TfliteModel) -> TflmPlan:
    """Plan the arena.

    Raises:
        ModelFileError: not a .tflite file, or a graph that does not hang together.
    """
    graph = model if isinstance(model, TfliteModel) else read_model(model)
    check_graph(graph)
    buffers = _placed([*_tensors(graph), *_scratches(graph)])
    moments = range(len(graph.operators))
    used = [sum(each.bytes for each in buffers if each.first <= now <= each.last) for now in moments]
    head = max((each.offset + each.bytes for each in buffers), default=0)
    tails = [_tail(graph, sizes) for sizes in (_HOST, _BOARD)]
    heads = [max(head, _planning(graph, len(buffers), sizes)) for sizes in (_HOST, _BOARD)]
    return TflmPlan(
        buffers=tuple(buffers),
        head_bytes=head,
        tail_bytes=tails[0],
        tail_bytes_32bit=tails[1],
        total_bytes=_aligned(heads[0] + tails[0]),
        total_bytes_32bit=_aligned(heads[1] + tails[1]),
        peak_index=max(moments, key=used.__getitem__, default=0),
    )


def _tensors(graph: TfliteModel) -> Iterator[PlannedBuffer]:
    """Every tensor that is computed, in the order of the file: the planner breaks ties by it."""
    first = dict.fromkeys(graph.inputs, -1)  # written before the first operator runs
    last = dict.fromkeys(graph.inputs, -1)
    for operator in graph.operators:
        for index in operator.outputs:
            first.setdefault(index, operator.index)
            last.setdefault(index, operator.index)
        last.update((index, operator.index) for index in operator.inputs if index >= 0)
    last.update((index, len(graph.operators) - 1) for index in graph.outputs)
    for index in sorted(first):
        tensor = graph.tensors[index]
        if not tensor.is_constant:
            yield PlannedBuffer(tensor.layer, _aligned(tensor.nbytes), first[index], last[index], -1)


def _scratches(graph: TfliteModel) -> Iterator[PlannedBuffer]:
    for operator in graph.operators:
        for size in scratch_bytes(graph, operator):
            yield PlannedBuffer(
                f"scratch of {graph.layer_of(operator)}", _aligned(size), operator.index, operator.index, -1
            )


def scratch_bytes(graph: TfliteModel, operator: TfliteOperator) -> tuple[int, ...]:
    """What a reference kernel asks of the head beside its tensors, buffer by buffer."""
    sums = 4 * sum(tensor.nbytes for tensor in graph.outputs_of(operator) if tensor.dtype == "int8")
    if operator.name == "TRANSPOSE_CONV":  # sums up in int32 (micro/kernels/transpose_conv.cc)
        return (sums,)
    if operator.name == "MEAN":  # and two short lists of axes (micro/kernels/reduce_common.cc)
        return (sums, ALIGNMENT_BYTES, ALIGNMENT_BYTES)
    return ()


def _placed(buffers: list[PlannedBuffer]) -> list[PlannedBuffer]:
    # Equal sizes go in the reverse order of the file: the planner fills its list from the end and sorts stably.
    by_size = sorted(reversed(buffers), key=lambda each: -each.bytes)
    placed: list[PlannedBuffer] = []  # by offset
    for wanted in by_size:
        offset = 0
        for other in placed:
            if other.first > wanted.last or wanted.first > other.last:
                continue
            if other.offset - offset >= wanted.bytes:
                break
            offset = max(offset, other.offset + other.bytes)
        at = next((i for i, other in enumerate(placed) if other.offset > offset), len(placed))
        placed.insert(at, wanted._replace(offset=offset))
    return placed


def _planning(graph: TfliteModel, buffers: int, sizes: _Sizes) -> int:
    """What the planner itself needs, where the head will be."""
    scratches = sum(len(scratch_bytes(graph, operator)) for operator in graph.operators)
    lists = sizes.allocation_info * (len(graph.tensors) + scratches) + _PLANNER_BYTES * buffers
    return lists + _PLANNING_SLACK_BYTES


def _tail(graph: TfliteModel, sizes: _Sizes) -> int:
    edges = len(graph.inputs) + len(graph.outputs)
    total = sizes.fixed + sizes.edge * edges
    total += sizes.eval_tensor * len(graph.tensors) + sizes.node * len(graph.operators)
    for operator in graph.operators:
        total += _KERNEL_BYTES.get(operator.name, _OTHER_KERNEL_BYTES)
        if operator.name in _CHANNEL_AXIS and len(operator.inputs) > 1:
            shape = graph.tensors[operator.inputs[1]].shape
            # A multiplier and a shift for each output channel, in arrays of their own.
            total += 2 * _aligned(4 * shape[_CHANNEL_AXIS[operator.name]])
    return total


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
