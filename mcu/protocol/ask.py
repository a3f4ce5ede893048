"""Ask the board something that is no inference, again and again until it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mcu.errors import LinkError
from mcu.protocol.errors import error_from_frame
from mcu.protocol.fault import BoardFault, Fault
from mcu.protocol.link import Link
from mcu.protocol.messages import Error, Message, Type
from mcu.protocol.timer import RetransmitTimer

A = TypeVar("A", bound=Message)


def ask(
    link: Link,
    request: Message,
    answer: type[A],
    *,
    timer: RetransmitTimer,
    silence_s: float,
    clock: Callable[[], float],
    matches: Callable[[A], bool] = lambda message: True,
) -> A:
    """The board's answer to a request that may be repeated.

    Args:
        answer: the kind of message to wait for.
        matches: whether an answer is the one to this request and not a late one to another.

    Raises:
        RemoteError: the board refuses. BoardFault: its program has failed.
        LinkError: no answer for `silence_s`; BoardReset if it has started again.
        PortError: the port went away.
    """
    end = clock() + silence_s
    while (now := clock()) < end:
        link.send_message(request)
        again_at = min(now + timer.wait_s, end)
        while (left_s := again_at - clock()) > 0:
            for frame in link.receive(timeout_s=left_s):
                timer.heard()
                if frame.type == answer.frame_type and matches(message := answer.unpack(frame.payload)):
                    return message
                if frame.type == Type.ERROR:
                    raise error_from_frame(Error.unpack(frame.payload))
                if frame.type == Type.FAULT:
                    raise BoardFault(Fault.unpack(frame.payload))
        timer.expired()
    raise LinkError(
        f"{link.port.name}: no answer to {request.frame_type.name} for {silence_s:g} s.",
        hint="Reset the board and connect again.",
    )
