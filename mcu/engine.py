"""What a board of this computer runs its model with: int8 tensors in, int8 tensors out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from mcu.tensor import TensorSpec


class Engine(Protocol):
    """What runs the model: `mcu.tflm.TflmInterpreter`, or anything with these three."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...

    def invoke(self, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]: ...
