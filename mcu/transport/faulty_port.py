"""A port whose line misbehaves as `faults=…` says, both ways; what is behind it is the real one."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable

import serial

from mcu.errors import BadInput, PortError
from mcu.transport.faults import Countdown, Faults, Harm
from mcu.transport.port import Port

_PIECE_BYTES = 64  # of a line with a baud rate: how much of what it carries arrives at once


class Unplugged(PortError):
    """The faults of this port have unplugged it, and it is not back yet."""


class FaultyLine:
    """What a misbehaving line remembers from one opening of its port to the next.

    Args:
        faults: what it does.
        clock, sleep: of the time that delays are made of.

    Attributes:
        committed: what was done at counted places, in words, the first one first.
    """

    def __init__(
        self,
        faults: Faults,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ):
        self.faults = faults
        self.clock = clock
        self.sleep = sleep
        self.committed: list[str] = []
        self.carried = 0  # bytes, both ways, since the first opening
        # A stream of its own for each use: what happens up the line changes nothing on the way down.
        streams = {use: random.Random(f"{faults.seed} {use}") for use in ("up", "down", "place", "time")}
        harmless = Faults()
        self.up = Harm(harmless if faults.only == "down" else faults, streams["up"])
        self.down = Harm(harmless if faults.only == "up" else faults, streams["down"])
        self.countdowns = {
            name: Countdown(getattr(faults, name), random.Random(f"{faults.seed} {name}"))
            for name in ("stall", "unplug", "reset")
        }
        self.times = streams["time"]
        self.away_until = -1.0
        self.stalled_until = -1.0

    def require_plugged(self, url: str) -> None:
        """Raises Unplugged while the cable is out."""
        left_s = self.away_until - self.clock()
        if left_s > 0:
            raise Unplugged(
                f"There is no port {url}: its faults have unplugged it.",
                hint=f"It comes back in {left_s:.1f} s.",
            )

    def carry(self, count: int) -> tuple[int, str]:
        """How many of the next `count` bytes pass, and what happens behind them ("" for nothing)."""
        name = min(self.countdowns, key=lambda each: self.countdowns[each].left)
        passing = int(min(count, self.countdowns[name].left))
        event = name if passing == self.countdowns[name].left else ""
        for countdown in self.countdowns.values():
            countdown.pass_by(passing)
        self.carried += passing
        if event:
            self.countdowns[event].take()
            self.committed.append(f"{event} at byte {self.carried}")
        return passing, event


class FaultyPort(Port):
    """An open port on a line that misbehaves. `open_port` makes it for a name with `faults=…`.

    Args:
        device: of pyserial, open.
        line: with its memory of earlier openings.
    """

    def __init__(self, device: serial.SerialBase, line: FaultyLine):
        super().__init__(device)
        self._line = line
        self._unplugged = ""
        self._held_up = b""  # written, and waiting for more to go with
        self._down: deque[tuple[float, bytes]] = deque()  # when it arrives, what
        self._line_free_at = {"up": 0.0, "down": 0.0}
        if line.faults.reset and not self.can_reset_board:
            super().close()
            raise BadInput(
                f"{self.name}: the board behind this port cannot be reset from here.",
                hint="Leave reset out of the faults; press the button.",
            )

    @property
    def line_bytes_per_s(self) -> float | None:
        return self._line.faults.baud / 10 if self._line.faults.baud else super().line_bytes_per_s

    def read(self, *, timeout_s: float) -> bytes:
        line = self._line
        self._release()
        end = line.clock() + timeout_s
        while not self._unplugged:
            now = line.clock()
            if self._down and self._down[0][0] <= now:
                return self._arrived(now)
            wake = min(end, self._down[0][0]) if self._down else end
            if wake < now or (now >= end and timeout_s > 0):
                return b""
            data = super().read(timeout_s=max(0.0, wake - now))
            if data:
                self._receive(data)
            elif timeout_s <= 0:
                return b""
        raise self._gone(None)

    def write(self, data: bytes, *, timeout_s: float) -> None:
        if self._unplugged:
            raise self._gone(None)
        if self._line.faults.coalesce and self._line.faults.only != "down":
            self._held_up += data
            return
        self._send(data, timeout_s=timeout_s)

    def close(self) -> None:
        if not self._unplugged and self._is_open:
            self._release()
        super().close()

    @property
    def _is_open(self) -> bool:
        return bool(self._device.is_open)

    def _release(self) -> None:
        """Whoever listens or leaves has written what he wanted to."""
        held, self._held_up = self._held_up, b""
        if held:
            self._send(held, timeout_s=1.0)

    def _send(self, data: bytes, *, timeout_s: float) -> None:
        while data and not self._unplugged:
            passing, event = self._line.carry(len(data))
            pieces = self._cut(data[:passing], self._line.faults.split, "up")
            # All times first: a real line goes on while this process sleeps too long.
            for piece, due in [(piece, self._due("up", len(piece))) for piece in pieces]:
                self._line.sleep(max(0.0, due - self._line.clock()))
                super().write(self._line.up(piece), timeout_s=timeout_s)
            data = data[passing:]
            self._happen(event)
        if self._unplugged:
            raise self._gone(None)

    def _receive(self, data: bytes) -> None:
        while data and not self._unplugged:
            passing, event = self._line.carry(len(data))
            for piece in self._cut(data[:passing], 0, "down"):
                due = self._due("down", len(piece))
                if harmed := self._line.down(piece):
                    self._down.append((due, harmed))
            data = data[passing:]
            self._happen(event)

    def _cut(self, data: bytes, most: int, way: str) -> list[bytes]:
        if self._line.faults.baud:
            most = min(most or _PIECE_BYTES, _PIECE_BYTES)
        if not most or self._line.faults.only not in ("", way):
            most = len(data) or 1
        return [data[at : at + most] for at in range(0, len(data), most)]

    def _due(self, way: str, count: int) -> float:
        """When the last of so many bytes, sent now, is at the other end."""
        line, faults = self._line, self._line.faults
        now = line.clock()
        due = max(now, self._line_free_at[way], line.stalled_until)
        if faults.only in ("", way):
            due += 10 * count / faults.baud if faults.baud else 0.0
            late = max(now + line.times.uniform(0, faults.delay), due) if faults.delay else due
            if way == "down" and faults.coalesce:
                late = max(late, self._down[0][0] if self._down else now + faults.coalesce)
        else:
            late = due
        self._line_free_at[way] = due if faults.baud else late
        return late

    def _arrived(self, now: float) -> bytes:
        parts, most = [], self._line.faults.split if self._line.faults.only != "up" else 0
        room = most or 1 << 62
        while self._down and self._down[0][0] <= now and room:
            due, data = self._down.popleft()
            parts.append(data[:room])
            if data[room:]:
                self._down.appendleft((due, data[room:]))
            room -= len(parts[-1])
        return b"".join(parts)

    def _happen(self, event: str) -> None:
        line = self._line
        if event == "stall":
            line.stalled_until = line.clock() + line.faults.stall_s
        elif event == "reset":
            self.reset_board()
        elif event == "unplug":
            line.away_until = line.clock() + line.faults.away
            self._unplugged = f"its faults have unplugged it at byte {line.carried}"
            super().close()

    def _because(self) -> str:
        return self._unplugged or super()._because()
