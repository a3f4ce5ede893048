"""Frames over a byte stream, counted and numbered: what a session sends and hears."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from mcu.protocol.control import Log, LogLevel
from mcu.protocol.errors import BoardReset
from mcu.protocol.frame import VERSION, Frame, FrameReader, encode_frame
from mcu.protocol.messages import FROM_DEVICE, Message, Type

_BOARD = logging.getLogger("mcu.board")
_LEVELS: dict[int, int] = {
    LogLevel.ERROR: logging.ERROR,
    LogLevel.WARNING: logging.WARNING,
    LogLevel.INFO: logging.INFO,
    LogLevel.DEBUG: logging.DEBUG,
}


class ByteStream(Protocol):
    """What a session needs of a port (mcu/transport/port.py has the real one)."""

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def line_bytes_per_s(self) -> float | None:
        """How fast the line itself is; None where nothing limits it."""

    def read(self, *, timeout_s: float) -> bytes:
        """All that is there, at least one byte; empty after `timeout_s`."""

    def write(self, data: bytes, *, timeout_s: float) -> None:
        """Hand over all of `data`."""

    def close(self) -> None:
        """Give the port back."""


class Link:
    """Numbers and counts frames, and notices a board that has started again.

    Args:
        port: open.
        write_timeout_s: how long a full line may keep `send` waiting.
        clock: seconds, monotonic.

    Attributes:
        session: the device's boot nonce, 0 until it is known.
        next_seq: number of the next frame sent.
        heard: the first bytes received, for a diagnosis.
        on_log: called with every LOG of the session; it is no frame that anyone waits for.
    """

    HEARD_BYTES = 4096

    def __init__(self, port: ByteStream, *, write_timeout_s: float, clock: Callable[[], float]):
        self.port = port
        self.session = 0
        self.next_seq = 0
        self.frames_sent = 0
        self.frames_received = 0
        self.bytes_sent = 0
        self.bytes_received = 0
        self.heard = b""
        self.on_log: Callable[[Log], None] = _log
        self._write_timeout_s = write_timeout_s
        self._clock = clock
        self._reader = FrameReader()
        self._burst_seq = 0
        self._burst_at_s = 0.0

    @property
    def crc_errors(self) -> int:
        """Stretches between delimiters that arrived damaged."""
        return self._reader.damaged

    def send(self, messages: Iterable[tuple[int, bytes]]) -> None:
        """Send frames of these types and payloads in one write."""
        wire = []
        self._burst_seq, self._burst_at_s = self.next_seq, self._clock()
        for type_, payload in messages:
            wire.append(encode_frame(Frame(type_, payload, self.next_seq, self.session)))
            self.next_seq = (self.next_seq + 1) & 0xFFFF
        data = b"".join(wire)
        self.frames_sent += len(wire)
        self.bytes_sent += len(data)
        self.port.write(data, timeout_s=self._write_timeout_s)

    def round_trip_s(self, answered_seq: int) -> float | None:
        """Time since the frame of this number was sent; None if it was not among those sent last."""
        if (answered_seq - self._burst_seq) & 0xFFFF >= (self.next_seq - self._burst_seq) & 0xFFFF:
            return None
        return self._clock() - self._burst_at_s

    def send_message(self, message: Message) -> None:
        """Send one frame."""
        self.send([(message.frame_type, message.pack())])

    def send_raw(self, data: bytes) -> None:
        """Send bytes that are no frame: delimiters, to end whatever the board may be in the middle of."""
        self.port.write(data, timeout_s=self._write_timeout_s)

    def receive(self, *, timeout_s: float) -> list[Frame]:
        """The intact frames of our version in one read; empty if nothing came in time or it was damaged.

        Raises:
            BoardReset: a frame carries another boot nonce than the session's.
        """
        data = self.port.read(timeout_s=timeout_s)
        self.bytes_received += len(data)
        if not self.session and len(self.heard) < self.HEARD_BYTES:
            self.heard += data[: self.HEARD_BYTES - len(self.heard)]
        frames = [frame for frame in self._reader.feed(data) if frame is not None and _is_ours(frame)]
        self.frames_received += len(frames)
        for frame in frames:
            if self.session and frame.session != self.session and frame.type & FROM_DEVICE:
                raise BoardReset(
                    f"{self.port.name}: the board has started again during the session "
                    f"(boot nonce {frame.session:#06x} instead of {self.session:#06x}).",
                    hint="Look at its supply and its watchdog, then connect again.",
                )
        if not self.session:
            return frames
        for frame in frames:
            if frame.type == Type.LOG:
                self.on_log(Log.unpack(frame.payload))
        return [frame for frame in frames if frame.type != Type.LOG]


def _log(said: Log) -> None:
    _BOARD.log(_LEVELS.get(said.level, logging.INFO), "%s", said.text)


def _is_ours(frame: Frame) -> bool:
    # These two look the same in every version, so that versions can be compared at all.
    return frame.version == VERSION or frame.type in (Type.HELLO_ACK, Type.ERROR)
