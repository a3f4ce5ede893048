"""NOR flash as it is: a sector is erased to ones as a whole, programming only clears bits."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence


class FlashMemory:
    """An array of flash with a log of what was done to it.

    Args:
        size: bytes.
        sector_starts: offset of every erase sector, ascending, the first 0.
        program_unit: bytes that are programmed together with their error-correcting code, and only when erased
            (8 on STM32L4, 32 on STM32H7); 0 where single bits can be cleared at any time.

    Attributes:
        content: what is stored.
        erased: number of every sector that was erased, in order.
        programmed: (offset, length) of every block that was programmed, in order.
    """

    def __init__(self, size: int, *, sector_starts: Sequence[int], program_unit: int = 0):
        self.content = bytearray(b"\xff" * size)
        self.erased: list[int] = []
        self.programmed: list[tuple[int, int]] = []
        self._starts = [*sector_starts]
        self._unit = program_unit

    def __len__(self) -> int:
        return len(self.content)

    @property
    def sectors(self) -> int:
        """How many there are."""
        return len(self._starts)

    def sector_at(self, offset: int) -> int:
        """Number of the sector that holds this byte."""
        return bisect_right(self._starts, offset) - 1

    def extent(self, sector: int) -> tuple[int, int]:
        """(first offset, offset behind the last) of a sector."""
        ends = [*self._starts[1:], len(self.content)]
        return self._starts[sector], ends[sector]

    def erase(self, sector: int, *, only_half: bool = False) -> None:
        """A whole sector to ones; `only_half` leaves its second half as it was."""
        start, end = self.extent(sector)
        if only_half:
            end = (start + end) // 2
        self.content[start:end] = b"\xff" * (end - start)
        self.erased.append(sector)

    def program(self, offset: int, data: bytes) -> bool:
        """Clear the bits that are 0 in `data`; False, and nothing done, if the error-correcting code forbids it."""
        old = self.content[offset : offset + len(data)]
        if self._unit and old.strip(b"\xff") and self._touches_programmed_unit(offset, data):
            return False
        self.content[offset : offset + len(data)] = bytes(a & b for a, b in zip(old, data, strict=True))
        self.programmed.append((offset, len(data)))
        return True

    def _touches_programmed_unit(self, offset: int, data: bytes) -> bool:
        first = offset - offset % self._unit
        for start in range(first, offset + len(data), self._unit):
            unit = self.content[start : start + self._unit]
            if unit.strip(b"\xff"):
                return True
        return False
