"""Have the board start again (docs/reference/protocol.md, "RESET")."""

from __future__ import annotations

from collections.abc import Callable

from mcu.errors import LinkError
from mcu.protocol.control import Reset
from mcu.protocol.errors import BoardReset, error_from_frame
from mcu.protocol.link import Link
from mcu.protocol.messages import Error, Type
from mcu.protocol.timer import RetransmitTimer


def reset_board(link: Link, *, timer: RetransmitTimer, silence_s: float, clock: Callable[[], float]) -> None:
    """Ask until the board says that it starts again, or has.

    A repetition cannot reset it twice: it is of a session that the board has forgotten.

    Raises:
        RemoteError: firmware from before there was RESET. LinkError: no answer for `silence_s`.
        PortError: the port went away, as that of a chip with USB of its own does.
    """
    end = clock() + silence_s
    while (now := clock()) < end:
        link.send_message(Reset())
        again_at = min(now + timer.wait_s, end)
        while (left_s := again_at - clock()) > 0:
            try:
                frames = link.receive(timeout_s=left_s)
            except BoardReset:
                return
            for frame in frames:
                if frame.type == Type.BYE_ACK:
                    return
                if frame.type == Type.ERROR:
                    raise error_from_frame(Error.unpack(frame.payload))
        timer.expired()
    raise LinkError(
        f"{link.port.name}: no answer to RESET for {silence_s:g} s.", hint="Press the board's reset button."
    )
