"""A serial line between a session and a board, both in this process: its rate, its delay, a clock of its own.

Every byte takes its ten bits' time, the board is busy while its model runs, and time passes only while the host waits:
what is measured here is the protocol, on any computer the same.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from mcu.protocol import Session
from mcu.virtual.baud import BaudRate
from mcu.virtual.board import BoardLink, LinkLimits
from tests.mcu.protocol.loop import DEFAULT_LIMITS, SESSION, Fault, Invert, clean, identity_of

_BITS_PER_BYTE = 10
_TICK_S = 0.01  # how often the board looks at its clock while it tries a rate


@dataclass
class Line:
    """A port; `board` is at its other end.

    Args:
        baud: of both ends at first.
        delay_s: what a byte takes from one end to the other beside its bits, each way.
        model_s: what the model takes.
        most_baud: of the board.
        garble_above: rates at which what arrives is noise.
        up, down: what happens to the bytes on their way.

    Attributes:
        now_s: the time.
        board_baud: the rate that the board's end has.
    """

    engine: Invert
    baud: int = 115200
    delay_s: float = 0.0
    model_s: float = 0.0
    most_baud: int = 2_000_000
    garble_above: int = 10_000_000
    limits: LinkLimits = DEFAULT_LIMITS
    up: Fault = clean
    down: Fault = clean
    name: str = "line"
    now_s: float = 0.0
    closed: bool = False
    _events: list[tuple[float, int, str, bytes, int]] = field(default_factory=list)
    _numbers: Callable[[], int] = field(default_factory=lambda: itertools.count().__next__)
    _free_s: dict[str, float] = field(default_factory=lambda: {"up": 0.0, "down": 0.0})
    _board_free_s: float = 0.0
    _rng: random.Random = field(default_factory=lambda: random.Random(0))

    def __post_init__(self) -> None:
        self._board_now_s = 0.0
        self._rate = BaudRate(self.baud, most=self.most_baud)
        self.board_baud = self.baud
        self.board = BoardLink(
            self.engine,
            identity=identity_of(self.engine),
            session=SESSION,
            limits=self.limits,
            clock_ns=self._clock_ns,
            baud=self._rate,
        )
        self.board.early = self._send_early
        self._runs = 0

    @property
    def line_bytes_per_s(self) -> float:
        return self.baud / _BITS_PER_BYTE

    def connect(self, *, silence_s: float = 10.0) -> Session:
        return Session.connect(self, silence_s=silence_s, clock=lambda: self.now_s)

    def set_baud(self, baud: int) -> None:
        self.baud = baud

    def write(self, data: bytes, *, timeout_s: float) -> None:
        self._carry("up", data, begin_s=self.now_s, baud=self.baud)

    def read(self, *, timeout_s: float) -> bytes:
        end_s = self.now_s + max(timeout_s, 1e-6)
        while True:
            tick_s = self._board_now_s + _TICK_S if self._rate.is_tried else float("inf")
            next_s = self._events[0][0] if self._events else float("inf")
            if min(tick_s, next_s) > end_s:
                self.now_s = end_s
                return b""
            if tick_s < next_s:
                self._board_now_s = tick_s
                self._rate.tick(now_ns=self._clock_ns())
                self.board_baud = self._rate.rate
                continue
            at_s, _, way, data, baud = heapq.heappop(self._events)
            if way == "up":
                self._arrive(data, at_s=at_s, baud=baud)
                continue
            self.now_s = max(self.now_s, at_s)
            return self.down(self._through(data, sent=baud, received=self.baud))

    def close(self) -> None:
        self.closed = True

    def _clock_ns(self) -> int:
        """The board's: it has moved on by what the model takes when the model has run."""
        return round(1e9 * (self._board_now_s + self.model_s * (self.engine.runs - self._runs)))

    def _arrive(self, data: bytes, *, at_s: float, baud: int) -> None:
        """Bytes reach the board, which is perhaps still busy."""
        self._board_now_s = max(at_s, self._board_free_s)
        self._runs = self.engine.runs
        answer = self.board.feed(self.up(self._through(data, sent=baud, received=self.board_baud)))
        self._board_free_s = self._board_now_s + self.model_s * (self.engine.runs - self._runs)
        self._board_now_s, self._runs = self._board_free_s, self.engine.runs
        self._carry("down", answer, begin_s=self._board_free_s, baud=self.board_baud)
        self.board_baud = self._rate.rate

    def _send_early(self, data: bytes) -> None:
        self._carry("down", data, begin_s=self._board_now_s, baud=self.board_baud)

    def _carry(self, way: str, data: bytes, *, begin_s: float, baud: int) -> None:
        """Onto the line, frame by frame: what a receiver acts on is a frame's end."""
        *frames, rest = data.split(b"\0")
        for frame in [*(frame + b"\0" for frame in frames), rest]:
            if not frame:
                continue
            self._free_s[way] = max(self._free_s[way], begin_s) + len(frame) * _BITS_PER_BYTE / baud
            event = (self._free_s[way] + self.delay_s, self._numbers(), way, frame, baud)
            heapq.heappush(self._events, event)

    def _through(self, data: bytes, *, sent: int, received: int) -> bytes:
        if sent == received and sent <= self.garble_above:
            return data
        return self._rng.randbytes(len(data))
