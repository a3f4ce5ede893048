"""The object PROFILE: what each operator of the model took in one request (docs/reference/protocol.md, "Profile")."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from mcu.errors import LinkError
from mcu.protocol.crc import crc32
from mcu.protocol.errors import error_from_frame
from mcu.protocol.link import Link
from mcu.protocol.messages import Chunk, Error, Fetch, Object, Type
from mcu.protocol.timer import RetransmitTimer

_HEAD = struct.Struct("<BBHII")  # unit, reserved, operators, ticks per second, CRC-32 of what follows
_ENTRY_BYTES = 4


class ProfileUnit(IntEnum):
    """What the numbers count."""

    INSTRUCTIONS = 0
    TICKS = 1


@dataclass(frozen=True)
class Profile:
    """One number per operator of the .tflite file, in its order; 0 for those that are not executed.

    Attributes:
        unit: of `counts`.
        ticks_per_s: of the board's clock.
    """

    unit: ProfileUnit
    ticks_per_s: int
    counts: tuple[int, ...]


def fetch_profile(
    link: Link, request: int, *, timer: RetransmitTimer, timeout_s: float, clock: Callable[[], float]
) -> Profile:
    """The profile of the request that has just run.

    Raises:
        RemoteError: the board has none.
        LinkError: it does not arrive in `timeout_s`, or is not what the board announced.
    """
    end = clock() + timeout_s
    head = _fetch(link, request, 0, _HEAD.size, timer=timer, end=end, clock=clock)
    unit, _, operators, ticks_per_s, crc = _HEAD.unpack(head)
    entries = _fetch(link, request, _HEAD.size, operators * _ENTRY_BYTES, timer=timer, end=end, clock=clock)
    if crc32(entries) != crc or unit not in ProfileUnit._value2member_map_:
        raise LinkError(
            f"{link.port.name}: the profile is not what the board announced.", hint="Infer again."
        )
    return Profile(ProfileUnit(unit), ticks_per_s, struct.unpack(f"<{operators}I", entries))


def _fetch(
    link: Link,
    request: int,
    offset: int,
    length: int,
    *,
    timer: RetransmitTimer,
    end: float,
    clock: Callable[[], float],
) -> bytes:
    """Bytes of the object, asked for from the first that is missing on until all are here."""
    data = b""
    while len(data) < length:
        if clock() > end:
            raise LinkError(f"{link.port.name}: the board does not send its profile.", hint="Connect again.")
        missing = Fetch(request, Object.PROFILE, offset + len(data), length - len(data))
        link.send_message(missing)
        wait_until = clock() + timer.wait_s
        before = len(data)
        while len(data) < length and (left_s := wait_until - clock()) > 0:
            for frame in link.receive(timeout_s=left_s):
                if frame.type == Type.ERROR:
                    raise error_from_frame(Error.unpack(frame.payload))
                if frame.type != Type.CHUNK:
                    continue
                chunk = Chunk.unpack(frame.payload)
                if (chunk.request, chunk.object, chunk.offset) == (
                    request,
                    Object.PROFILE,
                    offset + len(data),
                ):
                    data += chunk.data
                    wait_until = clock() + timer.wait_s
        if len(data) == before:
            timer.expired()
        else:
            timer.heard()
    return data[:length]
