"""Errors of the compiler: they name the operator, the layer and what is unusual about it."""

from __future__ import annotations

from mcu.errors import BadInput
from mcu.tflite import TfliteModel, TfliteOperator, TfliteTensor


class UnsupportedModel(BadInput):
    """A valid .tflite file that the compiled engine cannot run."""


def layer_of(model: TfliteModel, operator: TfliteOperator) -> str:
    """The name of what the operator computes."""
    return model.tensors[operator.outputs[0]].name if operator.outputs else "(no output)"


def unsupported(
    model: TfliteModel, operator: TfliteOperator, what: str, *, hint: str = ""
) -> UnsupportedModel:
    """Operator {index} {name} (layer '{layer}') {what}."""
    return UnsupportedModel(
        f"Operator {operator.index} {operator.name} (layer '{layer_of(model, operator)}') {what}.",
        hint=hint or "Run this model with TensorFlow Lite Micro, or change the layer.",
    )


def require_type(
    model: TfliteModel, operator: TfliteOperator, tensor: TfliteTensor, expected: str, role: str
) -> None:
    """Refuse a tensor of another type than the kernel's."""
    if tensor.dtype != expected:
        raise unsupported(
            model,
            operator,
            f"has {role} '{tensor.name}' of type {tensor.dtype}; the engine takes {expected}",
            hint="Quantize the whole model to int8; `keras-tiny audit` names every float tensor.",
        )
    if expected == "int8" and not tensor.scales:
        raise unsupported(model, operator, f"has {role} '{tensor.name}' without a scale")
