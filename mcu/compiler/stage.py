"""What an operator becomes: a kernel, its constants, and the rows it reads and writes (`kt_stage` in kt_nn.h)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from mcu.compiler.problems import unsupported
from mcu.tflite import TfliteModel, TfliteOperator, TfliteTensor


@dataclass(frozen=True, eq=False)
class Constant:
    """A `static const` array of the emitted C.

    Attributes:
        role: what it counts as in the flash report: "weights", "bias", "requantization" or "table".
        c_type: element type.
        values: integers, flat; or rows of a struct type.
        padding_bytes: zeros among them that only the kernel's layout needs.
        shares: role → bytes, of an array that counts as several.
    """

    role: str
    c_type: str
    values: np.ndarray | Sequence[Sequence[Value]]
    padding_bytes: int = 0
    shares: Mapping[str, int] = field(default_factory=dict)

    @property
    def bytes_by_role(self) -> Mapping[str, int]:
        """Bytes of the values themselves, without padding."""
        if self.shares or not isinstance(self.values, np.ndarray):
            return self.shares
        return {self.role: self.values.nbytes - self.padding_bytes}


@dataclass(frozen=True)
class TensorOffset:
    """Where a tensor is in the arena; known once the memory is planned."""

    tensor: int


Value: TypeAlias = "int | str | Constant | TensorOffset | Sequence[int] | None"


@dataclass(frozen=True)
class Kernel:
    """A function of KerasTinyNN.

    Attributes:
        function: its name; `header` declares it and `source` defines it.
        struct: the type of the constants it takes.
    """

    function: str
    struct: str
    header: str
    source: str


@dataclass(frozen=True, eq=False)
class Stage:
    """One operator of the compiled model.

    Attributes:
        source: tensor whose rows the window walks over; -1 for none (concatenation finds its parts by itself).
        second: second operand with the same number of rows: a computed tensor's index, or a constant; None if none.
        reads: tensors of the arena that are read besides source and second.
        heights, row_bytes: of source and target; whole tensors are one row.
        window, stride, dilation, pad_top: rows of the source that an output row sees.
        in_place: output element i is written after all reads of input elements before i: it may replace them.
        flat: the same operator on whole tensors as one row, where a kernel does that (1x1, depthwise); else None.
    """

    operator: TfliteOperator
    layer: str
    kernel: Kernel
    fields: Mapping[str, Value]
    source: int
    target: int
    in_height: int
    out_height: int
    in_row_bytes: int
    out_row_bytes: int
    second: int | Constant | None = None
    reads: tuple[int, ...] = ()
    window: int = 1
    stride: int = 1
    dilation: int = 1
    pad_top: int = 0
    scratch_bytes: int = 0
    in_place: bool = False
    macs: int = 0
    flat: Stage | None = None

    def first_row(self, y: int) -> int:
        """First source row that output row y reads."""
        top = y * self.stride - self.pad_top
        while top < 0:
            top += self.dilation
        return min(top, self.in_height)

    def last_row(self, y: int) -> int:
        """Last source row that output row y reads."""
        return min(y * self.stride - self.pad_top + (self.window - 1) * self.dilation, self.in_height - 1)

    @property
    def ring_rows(self) -> int:
        """Rows of the source that a ring must hold."""
        return min((self.window - 1) * self.dilation + 1, self.in_height)


@dataclass(frozen=True)
class Context:
    """What the emit functions know.

    Attributes:
        fast: use the DSP kernels where there are any.
    """

    model: TfliteModel
    fast: bool
    producers: Mapping[int, int] = field(default_factory=dict)  # tensor -> operator that computes it

    def input(self, operator: TfliteOperator, position: int) -> TfliteTensor:
        tensor = self.optional_input(operator, position)
        if tensor is None:
            raise unsupported(self.model, operator, f"has no input {position}")
        return tensor

    def optional_input(self, operator: TfliteOperator, position: int) -> TfliteTensor | None:
        if position >= len(operator.inputs) or operator.inputs[position] < 0:
            return None
        return self.model.tensors[operator.inputs[position]]

    def output(self, operator: TfliteOperator) -> TfliteTensor:
        return self.model.tensors[operator.outputs[0]]


def rows_of(shape: Sequence[int]) -> tuple[int, int]:
    """Rows and bytes of a row: those of an image (1, height, width, channels); anything else is one row."""
    if len(shape) == 4 and shape[0] == 1:
        return shape[1], shape[2] * shape[3]
    return 1, int(np.prod(shape, dtype=np.int64))
