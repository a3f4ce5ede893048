"""A line of 921,600 baud in simulated time: bytes take their time, boards a millisecond to turn around."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable

from mcu.protocol import Session
from mcu.transport.faults import Faults, Harm
from mcu.virtual.board import BoardLink, LinkLimits
from tests.mcu.protocol.loop import DEFAULT_LIMITS, SESSION, Invert, identity_of

BYTES_PER_S = 92_160
HARMLESS = Faults()
_TURN_AROUND_S = 1e-3
_PIECE_BYTES = 64


class PacedLine:
    """A port whose board is in this process, and whose clock moves with the bytes.

    Args:
        engine: of the board, which takes no time.
        faults: of flip, drop, insert, duplicate and burst, both ways.

    Attributes:
        now_s: the simulated time.
        harm: what happens to the bytes on their way up, and down.
    """

    name = "paced line"
    line_bytes_per_s: float | None = BYTES_PER_S

    def __init__(self, engine: Invert, faults: Faults = HARMLESS, *, limits: LinkLimits = DEFAULT_LIMITS):
        self.board = BoardLink(
            engine, identity=identity_of(engine), session=SESSION, limits=limits, clock_ns=lambda: 0
        )
        self.now_s = 0.0
        self.harm: list[Callable[[bytes], bytes]] = [
            Harm(faults, random.Random(f"{faults.seed} {way}")) for way in ("up", "down")
        ]
        self._queues: tuple[deque[tuple[float, bytes]], deque[tuple[float, bytes]]] = (deque(), deque())
        self._free_at_s = [0.0, 0.0]

    def connect(self, *, silence_s: float = 60.0) -> Session:
        return Session.connect(self, timeout_s=60.0, silence_s=silence_s, clock=lambda: self.now_s)

    def write(self, data: bytes, *, timeout_s: float) -> None:
        self._carry(0, data, self.now_s)

    def read(self, *, timeout_s: float) -> bytes:
        end_s = self.now_s + timeout_s
        up, down = self._queues
        while True:
            if down and down[0][0] <= self.now_s:
                parts = []
                while down and down[0][0] <= self.now_s:
                    parts.append(down.popleft()[1])
                if data := b"".join(parts):
                    return data
                continue
            up_at = up[0][0] if up else math.inf
            down_at = down[0][0] if down else math.inf
            if min(up_at, down_at) > end_s:
                self.now_s = end_s
                return b""
            self.now_s = max(self.now_s, min(up_at, down_at))
            if up_at <= down_at:
                answer = self.board.feed(up.popleft()[1])
                self._carry(1, answer, self.now_s + _TURN_AROUND_S)

    def close(self) -> None:
        """Nothing is open."""

    def _carry(self, way: int, data: bytes, from_s: float) -> None:
        at_s = max(from_s, self._free_at_s[way]) if data else self._free_at_s[way]
        for start in range(0, len(data), _PIECE_BYTES):
            piece = self.harm[way](data[start : start + _PIECE_BYTES])
            at_s += len(piece) / BYTES_PER_S
            self._queues[way].append((at_s, piece))
        self._free_at_s[way] = at_s
