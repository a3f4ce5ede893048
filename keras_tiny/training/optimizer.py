"""Optimizers with decoupled weight decay that leaves BatchNorm's parameters and biases alone."""

from __future__ import annotations

from typing import Any

from keras_tiny.keras_api import keras
from keras_tiny.recipe import OptimizerPart


def build_optimizer(part: OptimizerPart, *, variables: list[Any]) -> Any:
    """An optimizer that knows its variables; its learning rate is set anew before every step.

    Weight decay (arXiv:1711.05101) applies to kernels only: a BatchNorm scale or a bias pulled to zero changes what
    the network can say, not how smooth it is. Quantizer ranges are not pulled either.
    """
    decay = part.weight_decay or None
    if part.name == "adam":
        optimizer: Any = keras.optimizers.Adam(learning_rate=0.0, weight_decay=decay, jit_compile=False)
    elif part.name == "lion":
        optimizer = keras.optimizers.Lion(
            learning_rate=0.0, beta_1=0.9, beta_2=0.99, weight_decay=decay, jit_compile=False
        )
    else:
        optimizer = keras.optimizers.SGD(
            learning_rate=0.0,
            momentum=part.momentum,
            nesterov=part.nesterov,
            weight_decay=decay,
            jit_compile=False,
        )
    if decay is not None:
        spared = [variable for variable in variables if not decays(variable.name)]
        optimizer.exclude_from_weight_decay(var_list=spared)
    optimizer.build(variables)
    return optimizer


def decays(variable_name: str) -> bool:
    """Whether weight decay applies to the variable of that name: to kernels, and to nothing else."""
    return variable_name.rsplit("/", 1)[-1].split(":")[0] in _KERNELS


_KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")
