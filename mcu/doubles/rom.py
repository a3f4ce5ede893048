"""What the doubles share: bytes in, bytes out, a supply that can be cut, and faults on demand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable
from typing import Protocol

from mcu.doubles.faults import Fault, FaultKind, FaultPlan
from mcu.doubles.flash_memory import FlashMemory

Machine = Generator[None, int, None]
"""Takes one byte at each `yield`; what it says is collected by `RomDouble._say`."""


class Application(Protocol):
    """What runs after the ROM: its serial line, as a descriptor (a socket, the other end of a pty)."""

    def fileno(self) -> int: ...

    def close(self) -> None: ...


OnGo = Callable[[bytes, int], "Application | None"]
"""Called with the whole flash image and the address where it starts, when the ROM starts the application."""


class PowerCut(Exception):
    """The supply is gone in the middle of what was going on."""


class ChipReset(Exception):
    """The chip starts again, in its ROM."""


class Refused(Exception):
    """The ROM drops the command at hand."""


class RomDouble(ABC):
    """A ROM bootloader as a machine of bytes. Not thread-safe: one feeder.

    Args:
        flash: the chip's flash.
        faults: what it does wrong, each once.
        on_go: starts the application; None: there is none, and the chip falls silent.

    Attributes:
        powered: False after a power cut, until `power_on`.
        plugged: False after the fault "unplug", until `power_on`; whoever serves the double takes its port away.
        application: what runs after the ROM handed over; None while the ROM runs.
        on_go: see above; may be set later.
    """

    start_address = 0

    def __init__(self, flash: FlashMemory, *, faults: Iterable[Fault] = (), on_go: OnGo | None = None):
        self.flash = flash
        self.faults = FaultPlan(faults)
        self.powered = True
        self.plugged = True
        self.application: Application | None = None
        self._left_rom = False
        self.on_go = on_go
        self._out = bytearray()
        self._start()

    @abstractmethod
    def _rom(self) -> Machine:
        """The ROM's program, from reset on."""

    @abstractmethod
    def _refuse(self) -> None:
        """Say no to the command at hand."""

    def feed(self, data: bytes) -> bytes:
        """What the host sends → what it hears at once."""
        for byte in data:
            fault = self.faults.here("byte")
            if fault == "lose_byte" or not self.powered or self._left_rom:
                continue
            self._step(byte ^ 0x10 if fault == "flip_byte" else byte)
        heard, self._out = bytes(self._out), bytearray()
        return heard

    def power_on(self) -> None:
        """Supply back, or reset pressed, with the chip held in its ROM bootloader."""
        if self.application is not None:
            self.application.close()
        self.application = None
        self._left_rom = False
        self.powered = True
        self.plugged = True
        self._out.clear()
        self._start()

    def start(self) -> None:
        """Reset with the boot pin released: the application starts. A pty has no modem lines that could do that."""
        self._go(self.start_address)

    def _start(self) -> None:
        self._machine = self._rom()
        next(self._machine)

    def _step(self, byte: int) -> None:
        try:
            self._machine.send(byte)
        except PowerCut:
            self.powered = False
        except ChipReset:
            self._start()

    def _say(self, reply: bytes) -> None:
        fault = self.faults.here("reply")
        if fault == "lose_reply":
            return
        if fault == "nack":
            self._refuse()
            raise Refused
        if fault == "flip_reply":
            middle = len(reply) // 2
            reply = reply[:middle] + bytes([reply[middle] ^ 0x04]) + reply[middle + 1 :]
        self._out += reply

    def _program(self, offset: int, data: bytes) -> bool:
        fault = self.faults.here("block")
        if fault == "reset":
            raise ChipReset
        if fault in ("power_cut_torn", "unplug"):
            self.flash.program(offset, data[: len(data) // 2])
            self.plugged = fault != "unplug"
            raise PowerCut
        if fault == "weak_bit":
            data = _with_a_weak_bit(data)
        done = self.flash.program(offset, data)
        if fault == "power_cut":
            raise PowerCut
        return done

    def _erase(self, sector: int) -> None:
        fault: FaultKind | None = self.faults.here("erase")
        if fault == "power_cut_erasing":
            raise PowerCut
        self.flash.erase(sector, only_half=fault == "half_erased")

    def _go(self, address: int) -> None:
        """Leave the ROM for the application."""
        self._left_rom = True
        if self.on_go is not None:
            self.application = self.on_go(bytes(self.flash.content), address)


def _with_a_weak_bit(data: bytes) -> bytes:
    """One bit that should stay 1 reads 0: the lowest set bit of the first byte that has one."""
    for at, byte in enumerate(data):
        if byte:
            return data[:at] + bytes([byte & (byte - 1)]) + data[at + 1 :]
    return data
