"""Mixed precision for the float phase (arXiv:1710.03740): 16-bit arithmetic, 32-bit weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from keras_tiny.keras_api import keras


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Layers built inside compute in `policy` ("float32", "mixed_bfloat16", "mixed_float16"); weights are float32."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(policy)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)


def computes_in_float16(model: Any) -> bool:
    """Whether a layer of the model computes in float16, whose gradients need a loss scale not to vanish."""
    return any(layer.compute_dtype == "float16" for layer in model.layers)


def scaled(optimizer: Any) -> Any:
    """The optimizer with a loss scale that follows the gradients: halved at an overflow, doubled every 2,000 steps."""
    return keras.mixed_precision.LossScaleOptimizer(optimizer)


def optimizer_variables(optimizer: Any) -> list[Any]:
    """Everything that an optimizer remembers from step to step, the loss scale included."""
    if isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer):
        return [*optimizer.variables, *optimizer._loss_scale._weights.values()]
    return list(optimizer.variables)
