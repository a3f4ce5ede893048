"""Messages about the board and the line, not about a request (docs/reference/protocol.md, "Messages")."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from mcu.protocol.messages import Message, TailedMessage, Type


@dataclass(frozen=True, slots=True)
class Ping(TailedMessage):
    """Host → device: send these bytes back. For round trips, and to see whether the line carries bytes unharmed."""

    frame_type = Type.PING
    data: bytes


@dataclass(frozen=True, slots=True)
class Pong(TailedMessage):
    """Device → host: the bytes of a PING."""

    frame_type = Type.PONG
    data: bytes


@dataclass(frozen=True, slots=True)
class GetStats(Message):
    """Host → device: what have you counted?"""

    frame_type = Type.GET_STATS


@dataclass(frozen=True, slots=True)
class Stats(Message):
    """Device → host: its counters since it started, each modulo 2^32.

    Attributes:
        frames_received: intact ones, the GET_STATS that this answers among them.
        frames_damaged: stretches between delimiters that were no frame.
        frames_sent: before this one.
        overruns: how often the receiver lost bytes because nobody took them in time.
        refused: ERRORs among the frames sent.
        invocations: how often the model ran.
        logs_dropped: LOGs that were not sent.
    """

    frame_type = Type.STATS
    layout = struct.Struct("<IIIIIII")
    frames_received: int
    frames_damaged: int
    frames_sent: int
    overruns: int
    refused: int
    invocations: int
    logs_dropped: int


class LogLevel(IntEnum):
    """How important a LOG is."""

    ERROR = 1
    WARNING = 2
    INFO = 3
    DEBUG = 4


@dataclass(frozen=True, slots=True)
class Log(TailedMessage):
    """Device → host: text of the program on the board, at any time between two frames; it may get lost.

    Attributes:
        level: LogLevel.
        data: UTF-8 text.
    """

    frame_type = Type.LOG
    layout = struct.Struct("<HH")
    level: int
    reserved: int
    data: bytes

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Reset(Message):
    """Host → device: start again, as at power-on; BYE_ACK comes first. Repeated, it is of an earlier session."""

    frame_type = Type.RESET


@dataclass(frozen=True, slots=True)
class SetBaud(Message):
    """Host → device: talk at this rate from your answer on.

    Attributes:
        baud: symbols per second.
        confirm_ms: for so long without an intact frame, at most 500, the device tries it; then it goes back. 0: keep
            the rate that is tried.
    """

    frame_type = Type.SET_BAUD
    layout = struct.Struct("<IHH")
    baud: int
    confirm_ms: int
    reserved: int = 0


@dataclass(frozen=True, slots=True)
class BaudAck(Message):
    """Device → host: the rate it talks at after this frame."""

    frame_type = Type.BAUD_ACK
    layout = struct.Struct("<I")
    baud: int
