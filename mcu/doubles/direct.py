"""A line to a double without a pty and without waiting: what the double does not say at once, it never says."""

from __future__ import annotations

import random

from mcu.doubles.rom import RomDouble
from mcu.errors import PortError
from mcu.transport.faults import Faults, Harm


class DirectLine:
    """The host's end, as `mcu.protocol.link.ByteStream`. For tests that inject many faults in little time.

    Args:
        rom: at the other end.
        faults: of the bytes, both ways, as `mcu.transport.faults` has them for real ports.
    """

    name = "double"
    line_bytes_per_s: float | None = None

    def __init__(self, rom: RomDouble, *, faults: Faults | None = None):
        self._rom = rom
        harmless = faults or Faults()
        self._up = Harm(harmless, random.Random(f"{harmless.seed} up"))
        self._down = Harm(harmless, random.Random(f"{harmless.seed} down"))
        self._heard = b""

    def read(self, *, timeout_s: float) -> bytes:
        """All that the double has said; empty if that is nothing."""
        self._check_plugged()
        heard, self._heard = self._heard, b""
        return heard

    def write(self, data: bytes, *, timeout_s: float) -> None:
        """Hand all of it to the double."""
        self._check_plugged()
        self._heard += self._down(self._rom.feed(self._up(data)))

    def close(self) -> None:
        """Nothing to give back."""

    def _check_plugged(self) -> None:
        if not self._rom.plugged:
            raise PortError(f"{self.name}: the port went away.")
