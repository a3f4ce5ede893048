"""Fetch bytes of an object of the board, as often as it takes (docs/reference/protocol.md, "FETCH")."""

from __future__ import annotations

from collections.abc import Callable

from mcu.errors import LinkError
from mcu.protocol.errors import error_from_frame
from mcu.protocol.link import Link
from mcu.protocol.messages import Chunk, Error, Fetch, Object, Type
from mcu.protocol.timer import RetransmitTimer


def fetch_object(
    link: Link,
    request: int,
    wanted: Object,
    *,
    offset: int,
    length: int,
    timer: RetransmitTimer,
    end: float,
    clock: Callable[[], float],
) -> bytes:
    """Bytes of an object that is at least so long, asked for from the first that is missing on until all are here.

    Args:
        end: until when, in the time of `clock`.

    Raises:
        RemoteError: the board has no such object. LinkError: it does not send it.
    """
    data = b""
    while len(data) < length:
        if clock() > end:
            raise LinkError(
                f"{link.port.name}: the board does not send its {wanted.name.lower()}.",
                hint="Connect again.",
            )
        link.send_message(Fetch(request, wanted, offset + len(data), length - len(data)))
        wait_until = clock() + timer.wait_s
        before = len(data)
        while len(data) < length and (left_s := wait_until - clock()) > 0:
            for frame in link.receive(timeout_s=left_s):
                if frame.type == Type.ERROR:
                    raise error_from_frame(Error.unpack(frame.payload))
                if frame.type != Type.CHUNK:
                    continue
                chunk = Chunk.unpack(frame.payload)
                if (chunk.request, chunk.object, chunk.offset) == (request, wanted, offset + len(data)):
                    data += chunk.data
                    wait_until = clock() + timer.wait_s
        if len(data) == before:
            timer.expired()
        else:
            timer.heard()
    return data[:length]
