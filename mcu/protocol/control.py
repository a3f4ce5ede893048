"""Messages about the board and the line, not about a request (docs/reference/protocol.md, "Messages")."""

from __future__ import annotations

import struct
from dataclasses import dataclass

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
