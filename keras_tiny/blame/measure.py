"""How far every tensor of the int8 file is from real numbers, operator by operator, over some pictures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_tiny.blame.float_graph import FloatGraph, real
from mcu.tflite import TfliteOperator, TfliteTensor
from mcu.tflm import TflmInterpreter

_RANGES = {
    "int8": (-128, 127),
    "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "uint8": (0, 255),
}
_INSIDE = 0.999  # of the values lie within what is called the bulk


@dataclass(frozen=True)
class Distance:
    """Of the int8 values from the real ones.

    Attributes:
        sqnr_db: signal to quantization noise, 10 log10(Σ real² / Σ (real - int8)²); inf where they are equal.
        cosine: of the angle between the two, over all elements of all pictures.
    """

    sqnr_db: float
    cosine: float


@dataclass(frozen=True)
class Measured:
    """One operator's output.

    Attributes:
        own: the operator computed in real numbers from the int8 file's own inputs: its error alone.
        total: against the network computed in real numbers from the picture on: with what came before.
        possible_db: SQNR of rounding alone, were the tensor's range exactly that of its real values.
        low, high: smallest and largest real value; bulk: 99.9 % of them are at most so far from 0.
        beyond: share of the real values that the int8 range does not reach.
    """

    operator: TfliteOperator
    tensor: TfliteTensor
    own: Distance
    total: Distance
    possible_db: float
    low: float
    high: float
    bulk: float
    beyond: float


def measure(
    model_bytes: bytes,
    graph: FloatGraph,
    images: np.ndarray,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Measured, ...]:
    """Run the pictures through TensorFlow Lite Micro and through the float graph.

    Args:
        images: int8 (pictures, *input shape without batch), at least one.

    Returns:
        for each operator whose output both have, in the order of execution.
    """
    model = graph.model
    interpreter = TflmInterpreter(model_bytes, keep_tensors=True)
    sums = {operator.index: _Sums() for operator in model.operators}
    for done, image in enumerate(images):
        interpreter.invoke([image[None]])
        exact = {index: real(model.tensors[index], image[None]) for index in model.inputs}
        given = dict(exact)
        for operator in model.operators:
            for index in operator.outputs:
                given[index] = real(model.tensors[index], interpreter.tensor(index))
            total = graph.apply(operator, exact)
            if total is None:
                # What cannot be computed here goes on as the int8 file has it.
                exact.update({index: given[index] for index in operator.outputs})
                continue
            exact[operator.outputs[0]] = total
            own = graph.apply(operator, given)
            tensor = model.tensors[operator.outputs[0]]
            if own is not None and tensor.scales:
                sums[operator.index].add(own, total, given[tensor.index], tensor)
        progress(done + 1, len(images))
    return tuple(
        sums[operator.index].result(operator, model.tensors[operator.outputs[0]])
        for operator in model.operators
        if sums[operator.index].count
    )


class DistanceSums:
    """Sums over pictures for one `Distance`; `add` takes the signal first."""

    def __init__(self) -> None:
        self.signal = self.noise = self.other = self.product = 0.0

    def add(self, signal: np.ndarray, other: np.ndarray) -> None:
        self.signal += float(np.sum(signal * signal))
        self.noise += float(np.sum((signal - other) ** 2))
        self.other += float(np.sum(other * other))
        self.product += float(np.sum(signal * other))

    def result(self) -> Distance:
        length = math.sqrt(self.signal * self.other)
        cosine = self.product / length if length else float(self.signal == self.other)
        return Distance(decibels(self.signal, self.noise), min(1.0, max(-1.0, cosine)))


class _Sums:
    """Of one operator, over the pictures."""

    def __init__(self) -> None:
        self.own, self.total = DistanceSums(), DistanceSums()
        self.low, self.high, self.bulk, self.beyond, self.count = math.inf, -math.inf, 0.0, 0, 0

    def add(self, own: np.ndarray, total: np.ndarray, stored: np.ndarray, tensor: TfliteTensor) -> None:
        self.own.add(own, stored)
        self.total.add(total, stored)
        low, high = reach(tensor)
        step = tensor.scale / 2
        self.beyond += int(((own < low - step) | (own > high + step)).sum())
        self.low, self.high = min(self.low, float(own.min())), max(self.high, float(own.max()))
        self.bulk = max(self.bulk, float(np.quantile(np.abs(own), _INSIDE)))
        self.count += own.size

    def result(self, operator: TfliteOperator, tensor: TfliteTensor) -> Measured:
        step = (max(self.high, 0.0) - min(self.low, 0.0)) / 255
        possible = decibels(self.own.signal, self.count * step * step / 12)
        return Measured(
            operator,
            tensor,
            self.own.result(),
            self.total.result(),
            possible,
            self.low,
            self.high,
            self.bulk,
            self.beyond / self.count,
        )


def reach(tensor: TfliteTensor) -> tuple[float, float]:
    """The smallest and the largest real value that the tensor can hold."""
    low, high = _RANGES[tensor.dtype]
    return (low - tensor.zero_point) * tensor.scale, (high - tensor.zero_point) * tensor.scale


def decibels(signal: float, noise: float) -> float:
    """10 log10 of the two powers' ratio; inf without noise, -inf where there is noise alone."""
    if noise <= 0.0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0.0 else -math.inf
