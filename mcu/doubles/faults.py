"""What can go wrong while a chip is flashed: faults that a double commits once, at a counted place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast, get_args

from mcu.errors import BadInput

Place = Literal["byte", "reply", "block", "erase"]
"""What is counted, each from 0: bytes received, replies sent, blocks programmed, sectors erased."""

FaultKind = Literal[
    "lose_byte",
    "flip_byte",
    "lose_reply",
    "flip_reply",
    "nack",
    "power_cut",
    "power_cut_torn",
    "reset",
    "unplug",
    "weak_bit",
    "power_cut_erasing",
    "half_erased",
]

PLACES: dict[FaultKind, Place] = {
    "lose_byte": "byte",  # a byte from the host never arrives
    "flip_byte": "byte",  # one bit of it arrives inverted
    "lose_reply": "reply",  # the work is done, the answer is lost
    "flip_reply": "reply",  # one bit of the answer is inverted
    "nack": "reply",  # the ROM refuses instead of answering and drops the command
    "power_cut": "block",  # the block is in flash, then the supply is gone
    "power_cut_torn": "block",  # half of the block is in flash, then the supply is gone
    "unplug": "block",  # half of the block is in flash, then the supply is gone and the port with it
    "reset": "block",  # the ROM starts again before the block is written
    "weak_bit": "block",  # one bit of the block is stored inverted, and the ROM says all is well
    "power_cut_erasing": "erase",  # before the sector is erased
    "half_erased": "erase",  # only the first half of the sector is erased, and the ROM says all is well
}


@dataclass(frozen=True)
class Fault:
    """One fault, committed once.

    Attributes:
        at: the how-manieth of its place, from 0, since the double was made.
    """

    kind: FaultKind
    at: int

    @classmethod
    def parse(cls, text: str) -> Fault:
        """`"nack:7"` → Fault; BadInput for anything else."""
        kind, _, at = text.partition(":")
        if kind not in get_args(FaultKind) or not at.isascii() or not at.isdigit():
            raise BadInput(
                f"'{text}' is no fault.", hint=f"Write KIND:N with one of: {', '.join(get_args(FaultKind))}."
            )
        return cls(cast(FaultKind, kind), int(at))


class FaultPlan:
    """Counts the places and hands out each fault when its turn comes."""

    def __init__(self, faults: Iterable[Fault] = ()):
        self.counts: Counter[Place] = Counter()
        self.committed: list[Fault] = []
        self._pending = {(PLACES[fault.kind], fault.at): fault for fault in faults}

    def here(self, place: Place) -> FaultKind | None:
        """Count this place; the fault that is due, or None."""
        fault = self._pending.pop((place, self.counts[place]), None)
        self.counts[place] += 1
        if fault is None:
            return None
        self.committed.append(fault)
        return fault.kind
