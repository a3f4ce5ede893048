"""Why an operator's output is far from real numbers: a fault of the file, or a range that does not suit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from keras_tiny.blame.float_graph import FloatGraph, real
from keras_tiny.blame.measure import Measured, reach
from keras_tiny.export.audit_layers import SAME_SCALE, WEIGHTED
from mcu.tflite import TfliteOperator, TfliteTensor

ONE_BIT_DB = 6.02  # 20 log10(2): what is lost where one of the eight bits is not used
_ROUNDING = (
    1.0  # steps by which a stored weight may differ from the float one; rounding itself takes half of that
)
_UNEVEN = (
    10.0  # times: with one scale for all, the channel of the smallest weights keeps fewer than four bits
)
_OUTLIERS = 4.0  # times: the largest value against 99.9 % of the values: two bits for one value in a thousand


def fault(found: Measured, graph: FloatGraph) -> str:
    """What in the file is not as the float model says, and what to do; empty if there is nothing."""
    return next((said for cause in FAULTS if (said := cause(found, graph))), "")


def advice(found: Measured, graph: FloatGraph) -> str:
    """What would spare more of the 8 bits; empty if the tensor is about as good as they allow."""
    return next((said for cause in POOR_RANGES if (said := cause(found, graph))), "")


def _wrong_weights(found: Measured, graph: FloatGraph) -> str:
    kernel = _constant(found, graph, part=1)
    if kernel is None:
        return ""
    stored, true = real(kernel, kernel.buffer), graph.constants[kernel.index]  # type: ignore[arg-type]
    along = [-1 if axis == kernel.quantized_dimension else 1 for axis in range(len(kernel.shape))]
    steps = np.abs(stored - true) / np.array(kernel.scales).reshape(along if kernel.is_per_channel else 1)
    share = float((steps > _ROUNDING).mean())
    if not share:
        return ""
    return (
        f"{_percent(share)} of its weights are not the float model's, by up to {steps.max():.0f} steps:"
        " export again; if it stays, another run's weights are compared."
    )


def _wrong_bias(found: Measured, graph: FloatGraph) -> str:
    bias = _constant(found, graph, part=2)
    if bias is None:
        return ""
    off = np.abs(real(bias, bias.buffer) - graph.constants[bias.index]) / found.tensor.scale  # type: ignore[arg-type]
    wrong = int((off > _ROUNDING).sum())
    if not wrong:
        return ""
    return (
        f"The bias of {wrong} of {off.size} channels is not the float model's, by up to {off.max():.0f} output steps:"
        " clipped at export, or of another run; export again."
    )


def _scale_mismatch(found: Measured, graph: FloatGraph) -> str:
    if found.operator.name not in SAME_SCALE:
        return ""
    for each in graph.model.inputs_of(found.operator):
        if each is None or each.dtype != "int8" or not each.scales:
            continue
        if (each.scale, each.zero_point) != (found.tensor.scale, found.tensor.zero_point):
            return (
                f"Input scale {each.scale:.3g} and output scale {found.tensor.scale:.3g} must be equal:"
                f" {found.operator.name} only moves integers. Export again."
            )
    return ""


def _saturated(found: Measured, graph: FloatGraph) -> str:
    low, high = reach(found.tensor)
    if not found.beyond or not _lost_bit(found):
        return ""
    return (
        f"{_percent(found.beyond)} of the values lie beyond {low:.3g} … {high:.3g} and are clipped; they reach"
        f" {found.low:.3g} … {found.high:.3g}: calibrate on more pictures, or train more QAT epochs."
    )


def _too_wide(found: Measured, graph: FloatGraph) -> str:
    low, high = reach(found.tensor)
    used = (max(found.high, 0.0) - min(found.low, 0.0)) / (high - low)
    if used > 0.5 or not _lost_bit(found):
        return ""
    joined = _joined_by(found.tensor, graph)
    if joined is not None:
        return (
            f"Its range {low:.3g} … {high:.3g} is that of {len(joined.inputs)} tensors that CONCATENATION"
            f" '{graph.model.layer_of(joined)}' joins; its values take {_percent(used)} of the steps."
            " Bring the tensors to a like range, or do not join them."
        )
    return (
        f"The range {low:.3g} … {high:.3g} is too wide: values take {_percent(used)} of its steps."
        " Calibrate again without outliers, or train more QAT epochs."
    )


def _joined_by(tensor: TfliteTensor, graph: FloatGraph) -> TfliteOperator | None:
    """The concatenation that sets the tensor's range, through operators that only move integers."""
    index = tensor.index
    for operator in graph.model.operators:  # in the order of execution: readers come behind
        if index not in operator.inputs or operator.name not in SAME_SCALE:
            continue
        if operator.name == "CONCATENATION":
            return operator
        index = operator.outputs[0]
    return None


def _uneven_channels(found: Measured, graph: FloatGraph) -> str:
    """One scale for weights of very different channels: the small ones drown, and the tensor's SQNR hides it."""
    kernel = _input(found, graph, part=1)
    if kernel is None or kernel.is_per_channel:
        return ""
    dimension = WEIGHTED[found.operator.name][3]
    axes = tuple(axis for axis in range(len(kernel.shape)) if axis != dimension)
    largest = np.abs(graph.constants[kernel.index]).max(axis=axes)
    largest = largest[largest > 0]
    if largest.size < 2 or largest.max() < _UNEVEN * largest.min():
        return ""
    return (
        f"One scale for the weights of {largest.size} channels that differ by {largest.max() / largest.min():.0f}x:"
        " give each channel its own, or add BatchNorm or weight decay."
    )


def _outliers(found: Measured, graph: FloatGraph) -> str:
    largest = max(abs(found.low), abs(found.high))
    if not found.bulk or largest < _OUTLIERS * found.bulk:
        return ""
    return (
        f"A few outliers set the range: 99.9 % of the values lie within {found.bulk:.3g}, the largest is {largest:.3g}:"
        " a ReLU6 or weight decay keeps them in."
    )


Cause = Callable[[Measured, FloatGraph], str]
FAULTS: tuple[Cause, ...] = (_wrong_weights, _wrong_bias, _scale_mismatch)
POOR_RANGES: tuple[Cause, ...] = (_saturated, _too_wide, _uneven_channels, _outliers)


def _lost_bit(found: Measured) -> bool:
    return found.possible_db - found.own.sqnr_db > ONE_BIT_DB


def _constant(found: Measured, graph: FloatGraph, *, part: int) -> TfliteTensor | None:
    """Weights (1) or bias (2) where the float model's are known."""
    tensor = _input(found, graph, part=part)
    return tensor if tensor is not None and tensor.index in graph.from_model else None


def _input(found: Measured, graph: FloatGraph, *, part: int) -> TfliteTensor | None:
    positions = WEIGHTED.get(found.operator.name)
    if positions is None:
        return None
    inputs = graph.model.inputs_of(found.operator)
    tensor = inputs[positions[part]] if positions[part] < len(inputs) else None
    return tensor if tensor is not None and tensor.is_constant else None


def _percent(share: float) -> str:
    return (
        "less than 0.1 %"
        if share < 0.001
        else f"{100 * share:.1f} %"
        if share < 0.1
        else f"{100 * share:.0f} %"
    )
