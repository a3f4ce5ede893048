"""A board in this process at the end of a line that can misbehave, with a clock that only waiting moves."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from mcu.errors import PortError
from mcu.protocol import Identity, Session
from mcu.protocol.control import Log
from mcu.tensor import TensorSpec
from mcu.virtual.board import BoardLink, LinkLimits

Fault = Callable[[bytes], bytes]
SESSION = 0x4B54
DEFAULT_LIMITS = LinkLimits()
_LATENCY_NS = 500_000


def clean(data: bytes) -> bytes:
    return data


class Invert:
    """A model of known answers: each output byte is the complement of an input byte, all inputs in a row."""

    def __init__(self, *, inputs: Sequence[int] = (3000,), outputs: Sequence[int] = (10,)):
        self.inputs = tuple(TensorSpec(name=f"in{i}", shape=(1, n), scale=0.5) for i, n in enumerate(inputs))
        self.outputs = tuple(
            TensorSpec(name=f"out{i}", shape=(1, n), scale=0.5) for i, n in enumerate(outputs)
        )
        self.fails = False
        self.runs = 0

    def invoke(self, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        self.runs += 1
        if self.fails:
            raise RuntimeError("the kernel divides by zero")
        answer = ~np.concatenate([array.reshape(-1) for array in inputs])
        sizes = [spec.nbytes for spec in self.outputs]
        row = np.resize(answer, sum(sizes))
        return tuple(np.split(row[np.newaxis], np.cumsum(sizes)[:-1], axis=1))

    def expected(self, inputs: Sequence[bytes]) -> tuple[bytes, ...]:
        arrays = [np.frombuffer(data, np.int8) for data in inputs]
        runs, fails, self.fails = self.runs, self.fails, False
        outputs = tuple(array.tobytes() for array in self.invoke(arrays))
        self.runs, self.fails = runs, fails
        return outputs


def identity_of(engine: Invert) -> Identity:
    return Identity(
        board="loop",
        engine="invert",
        firmware="1",
        model_sha256="ab" * 32,
        model_crc32=0x12345678,
        inputs=engine.inputs,
        outputs=engine.outputs,
    )


def make_board(engine: Invert, *, session: int = SESSION, limits: LinkLimits = DEFAULT_LIMITS) -> BoardLink:
    return BoardLink(
        engine,
        identity=identity_of(engine),
        session=session,
        limits=limits,
        clock_ns=itertools.count(0, _LATENCY_NS).__next__,
    )


@dataclass
class Loop:
    """A port whose other end is `board`; what is written passes `up`, what is read passes `down`.

    Attributes:
        now_s: the time; reading from a silent line moves it.
        dead: the board takes bytes and answers nothing.
    """

    board: BoardLink
    up: Fault = clean
    down: Fault = clean
    now_s: float = 0.0
    dead: bool = False
    closed: bool = False
    written: list[bytes] = field(default_factory=list)
    _pending: bytes = b""
    name: str = "loop"
    line_bytes_per_s: float | None = None

    def read(self, *, timeout_s: float) -> bytes:
        data, self._pending = self._pending, b""
        if not data:
            self.now_s += max(timeout_s, 1e-6)
        return data

    def write(self, data: bytes, *, timeout_s: float) -> None:
        if self.closed:
            raise PortError("closed")
        self.written.append(data)
        self.now_s += 1e-4
        if not self.dead:
            self._pending += self.down(self.board.feed(self.up(data)))

    def inject(self, data: bytes) -> None:
        """Bytes that the host will read next."""
        self._pending += data

    def close(self) -> None:
        self.closed = True

    def connect(
        self,
        *,
        timeout_s: float = 5.0,
        silence_s: float = 10.0,
        on_log: Callable[[Log], None] | None = None,
    ) -> Session:
        return Session.connect(
            self, timeout_s=timeout_s, silence_s=silence_s, clock=lambda: self.now_s, on_log=on_log
        )


def noise(
    *, seed: int, flip: float = 0.0, drop: float = 0.0, insert: float = 0.0, repeat: float = 0.0
) -> Fault:
    """Damage single bytes with these probabilities (flip: of each bit), the same ones for the same seed."""
    rng = random.Random(seed)
    flip_byte = 1 - (1 - flip) ** 8
    total = flip_byte + drop + insert + repeat

    def fault(data: bytes) -> bytes:
        out, at = bytearray(), 0
        while True:
            # The distance to the next damaged byte, drawn at once.
            skip = int(rng.expovariate(total)) if total else len(data)
            out += data[at : at + skip]
            at += skip
            if at >= len(data):
                return bytes(out)
            what = rng.uniform(0, total)
            if what < flip_byte:
                out.append(data[at] ^ 1 << rng.randrange(8))
            elif what < flip_byte + insert:
                out += bytes([rng.randrange(256), data[at]])
            elif what < flip_byte + insert + repeat:
                out += bytes([data[at]]) * 2
            at += 1

    return fault


def lose_frame(index: int) -> Fault:
    """Lose the frame of this index, counted from 0 over everything that passes."""
    return on_frame(index, lambda frame: b"")


def on_every_frame(change: Callable[[bytes], bytes]) -> Fault:
    """Change every frame; it is given with both delimiters."""
    return lambda data: b"".join(change(b"\0" + encoded + b"\0") for encoded in data.split(b"\0") if encoded)


def on_frame(index: int, change: Callable[[bytes], bytes]) -> Fault:
    """Change the frame of this index, counted from 0; it is given with both delimiters."""
    count = 0

    def fault(data: bytes) -> bytes:
        nonlocal count
        out = bytearray()
        for encoded in data.split(b"\0"):
            if encoded:
                frame = b"\0" + encoded + b"\0"
                out += change(frame) if count == index else frame
                count += 1
        return bytes(out)

    return fault
