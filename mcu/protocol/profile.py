"""The object PROFILE: what each operator of the model took in one request (docs/reference/protocol.md, "Profile")."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from mcu.errors import LinkError
from mcu.protocol.crc import crc32
from mcu.protocol.fetch import fetch_object
from mcu.protocol.link import Link
from mcu.protocol.messages import Object
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

    def fetch(offset: int, length: int) -> bytes:
        return fetch_object(
            link, request, Object.PROFILE, offset=offset, length=length, timer=timer, end=end, clock=clock
        )

    unit, _, operators, ticks_per_s, crc = _HEAD.unpack(fetch(0, _HEAD.size))
    entries = fetch(_HEAD.size, operators * _ENTRY_BYTES)
    if crc32(entries) != crc or unit not in ProfileUnit._value2member_map_:
        raise LinkError(
            f"{link.port.name}: the profile is not what the board announced.", hint="Infer again."
        )
    return Profile(ProfileUnit(unit), ticks_per_s, struct.unpack(f"<{operators}I", entries))
