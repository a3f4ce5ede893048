"""Bounds-checked access to a FlatBuffers file (https://flatbuffers.dev/internals) under the `tflite` schema classes.

The FlatBuffers Python runtime trusts the file: a bad offset reads somewhere else (a negative one counts from the
end), and a bad length makes the caller loop four billion times. `checked` puts a table that verifies every access
under a schema object, so that a damaged file ends in `ModelFileError`.
"""

from __future__ import annotations

import struct
from typing import Any, TypeVar

import flatbuffers.number_types as number_types
import numpy as np
from flatbuffers.table import Table

from mcu.errors import ModelFileError

_UOFFSET = number_types.UOffsetTFlags
_MAX_READS_PER_BYTE = 4

Schema = TypeVar("Schema")


class Budget:
    """How much of a file may be read in all.

    Tables may share vectors, so a small damaged file can describe far more than it holds; an honest one hardly
    shares anything.
    """

    def __init__(self, file_bytes: int):
        self.left = _MAX_READS_PER_BYTE * file_bytes

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise damaged("it describes far more than it holds")


class CheckedTable(Table):
    """A FlatBuffers table whose offsets and lengths are verified against the file, its vtable on construction."""

    __slots__ = ("budget", "fields")

    def __init__(self, buf: bytes, pos: int, budget: Budget):
        super().__init__(buf, pos)
        self.budget = budget
        vtable = pos - self.Get(number_types.SOffsetTFlags, pos)
        self._inside(vtable, 4)
        vtable_bytes, table_bytes = struct.unpack_from("<HH", buf, vtable)
        if vtable_bytes < 4 or vtable_bytes % 2:
            raise damaged(f"the table at byte {pos} has a vtable of {vtable_bytes} bytes")
        self._inside(vtable, vtable_bytes)
        self._inside(pos, table_bytes)
        self.fields: tuple[int, ...] = struct.unpack_from(f"<{vtable_bytes // 2 - 2}H", buf, vtable + 4)
        if any(offset >= table_bytes for offset in self.fields):
            raise damaged(f"the table at byte {pos} has fields beyond its end")
        budget.spend(1 + len(self.fields))

    def Offset(self, vtableOffset: int) -> int:
        """Where a field begins in the table; 0 if it is left out."""
        index = (vtableOffset - 4) // 2
        return self.fields[index] if index < len(self.fields) else 0

    def Get(self, flags: Any, off: int) -> Any:
        self._inside(off, flags.bytewidth)
        return super().Get(flags, off)

    def Indirect(self, off: int) -> int:
        self._inside(off, 4)
        target = super().Indirect(off)
        self._inside(target, 4)
        return target

    def Vector(self, off: int) -> int:
        self.VectorLen(off)
        return super().Vector(off)

    def VectorLen(self, off: int) -> int:
        length = self.Get(_UOFFSET, self.Indirect(self.Pos + off))
        if length > len(self.Bytes):
            raise damaged(f"a vector claims {length} elements")
        return length

    def String(self, off: int) -> bytes:
        start = self.Indirect(off)
        length = self.Get(_UOFFSET, start)
        self._inside(start + 4, length)
        self.budget.spend(length)
        return super().String(off)

    def Union(self, t2: Table, off: int) -> None:
        self.Indirect(self.Pos + off)
        super().Union(t2, off)

    def GetVectorAsNumpy(self, flags: Any, off: int) -> np.ndarray:
        length = self.VectorLen(off)
        self._inside(super().Vector(off), length * flags.bytewidth)
        self.budget.spend(length)
        return super().GetVectorAsNumpy(flags, off)

    def _inside(self, off: int, count: int) -> None:
        if off < 0 or off + count > len(self.Bytes):
            raise damaged(f"an offset points to byte {off}")


def checked(schema: Schema, budget: Budget) -> Schema:
    """The same schema object, reading through a `CheckedTable`."""
    bare = schema._tab  # type: ignore[attr-defined]
    schema._tab = CheckedTable(bare.Bytes, bare.Pos, budget)  # type: ignore[attr-defined]
    return schema


def elements(get: Any, length: int, budget: Budget) -> list[Any]:
    """All tables of a vector, `get(index)` for each, checked."""
    budget.spend(length)
    return [checked(get(index), budget) for index in range(length)]


def integers(vector: Any) -> tuple[int, ...]:
    """What `…AsNumpy()` of the schema gives, or () for an absent vector, for which it gives 0."""
    return () if isinstance(vector, int) else tuple(vector.tolist())


def damaged(what: str) -> ModelFileError:
    return ModelFileError(
        f"This is not a usable .tflite file: {what}.", hint="Was it cut short or changed? Export it again."
    )
