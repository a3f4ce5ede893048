"""An int8 tensor at the model's edge: its shape and the affine rule between integers and real values."""

from __future__ import annotations

from math import prod
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field


class TensorSpec(BaseModel):
    """One input or output tensor: `real = (q - zero_point) * scale`.

    Args:
        name: as in the .tflite file.
        shape: with the batch, which is 1.
        dtype: what is stored; a board takes and gives int8 only.
        scale: real value of one step; positive.
        zero_point: the integer that means 0.0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    shape: tuple[int, ...]
    dtype: Literal["int8", "uint8", "int16", "int32", "float32"] = "int8"
    scale: float = Field(ge=0)
    zero_point: int = 0

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * np.dtype(self.dtype).itemsize

    def quantize(self, values: np.ndarray) -> np.ndarray:
        """Real values → the nearest integers, ties to even, clipped to the type's range."""
        info = np.iinfo(self.dtype)
        steps = np.rint(np.asarray(values, np.float64) / self.scale) + self.zero_point
        return np.clip(steps, info.min, info.max).astype(self.dtype)

    def dequantize(self, integers: np.ndarray) -> np.ndarray:
        """Integers → real values, float32."""
        return ((np.asarray(integers, np.float64) - self.zero_point) * self.scale).astype(np.float32)
