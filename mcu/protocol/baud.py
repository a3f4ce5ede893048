"""Raise the rate of a line as far as it carries bytes unharmed, and go back where it does not.

A board tries a rate only for a while (docs/reference/protocol.md, "SET_BAUD"), so the host need only fall silent to
have it back at the rate before.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from mcu.errors import LinkError, PortError
from mcu.protocol.ask import ask
from mcu.protocol.control import BaudAck, Ping, Pong, SetBaud
from mcu.protocol.errors import RemoteError
from mcu.protocol.link import Link
from mcu.protocol.messages import Type
from mcu.protocol.timer import RetransmitTimer

LADDER = (2_000_000, 1_500_000, 921_600, 460_800)
ECHO_FRAMES = 64
_ECHO_BYTES = 256  # of a frame: all of them take 0.4 s at the lowest rate of the ladder
_CONFIRM_MS = 250
_ANSWER_S = 0.1  # on top of what the line takes
_MARGIN_S = 0.05  # between a board's clock and ours
_ALIVE_S = 5.0  # of a computer that is busy with other things
_BITS_PER_BYTE = 10


@runtime_checkable
class RatedPort(Protocol):
    """A port whose line has a rate that can be changed."""

    @property
    def baud(self) -> int | None:
        """Symbols per second; None where they are of no importance."""

    def set_baud(self, baud: int) -> None:
        """Change it, after all that was written has been sent.

        Raises:
            PortError: this computer's end cannot.
        """


def raise_baud(
    link: Link,
    *,
    ladder: Sequence[int],
    max_payload_bytes: int,
    window_bytes: int,
    timer: RetransmitTimer,
    clock: Callable[[], float],
) -> int | None:
    """Climb: the first rate of the ladder above the line's own at which 64 frames come back unharmed stays.

    Returns:
        The rate from here on; None where the port has none.

    Raises:
        LinkError: the board does not come back from a rate that it has tried. BoardReset, PortError.
    """
    port = link.port
    if not isinstance(port, RatedPort) or port.baud is None:
        return None
    before = port.baud
    size = min(max_payload_bytes, _ECHO_BYTES)
    burst = max(1, window_bytes // size)
    for rate in ladder:
        if rate <= before:
            continue
        try:
            _set_baud(link, rate, confirm_ms=_CONFIRM_MS, silence_s=_ALIVE_S, timer=timer, clock=clock)
        except RemoteError:
            continue  # this rate is not the board's
        if _try_rate(link, port, rate, size=size, burst=burst, timer=timer, clock=clock):
            return rate
        silent_until = clock() + _CONFIRM_MS / 1000 + _MARGIN_S
        port.set_baud(before)
        while (left_s := silent_until - clock()) > 0:
            link.receive(timeout_s=left_s)  # what arrives now is noise
        try:
            _ask_if_alive(link, timer=timer, clock=clock)
        except LinkError:
            port.set_baud(rate)  # every confirmation reached it, and none of its answers us
            _ask_if_alive(link, timer=timer, clock=clock)
            return rate
    return before


def _try_rate(
    link: Link,
    port: RatedPort,
    rate: int,
    *,
    size: int,
    burst: int,
    timer: RetransmitTimer,
    clock: Callable[[], float],
) -> bool:
    """Whether all frames come back unharmed at this rate, and the board has had it confirmed."""
    try:
        port.set_baud(rate)
    except PortError:
        return False  # not this computer's; the board goes back by itself
    rng = random.Random(rate)
    damaged = link.crc_errors
    for first in range(0, ECHO_FRAMES, burst):
        sent = [rng.randbytes(size) for _ in range(min(burst, ECHO_FRAMES - first))]
        link.send((Type.PING, data) for data in sent)
        end = clock() + _ANSWER_S + 2 * len(sent) * (size + 32) * _BITS_PER_BYTE / rate
        back: list[bytes] = []
        while len(back) < len(sent) and (left_s := end - clock()) > 0 and link.crc_errors == damaged:
            back += [frame.payload for frame in link.receive(timeout_s=left_s) if frame.type == Type.PONG]
        if back != sent or link.crc_errors != damaged:
            return False
    try:
        _set_baud(link, rate, confirm_ms=0, silence_s=_CONFIRM_MS / 1000, timer=timer, clock=clock)
    except (LinkError, RemoteError):
        return False
    return True


def _set_baud(
    link: Link,
    rate: int,
    *,
    confirm_ms: int,
    silence_s: float,
    timer: RetransmitTimer,
    clock: Callable[[], float],
) -> None:
    ask(
        link,
        SetBaud(rate, confirm_ms),
        BaudAck,
        timer=timer,
        silence_s=silence_s,
        clock=clock,
        matches=lambda ack: ack.baud == rate,
    )


def _ask_if_alive(link: Link, *, timer: RetransmitTimer, clock: Callable[[], float]) -> None:
    token = link.next_seq.to_bytes(4, "little")
    ask(
        link,
        Ping(token),
        Pong,
        timer=timer,
        silence_s=_ALIVE_S,
        clock=clock,
        matches=lambda pong: pong.data == token,
    )
