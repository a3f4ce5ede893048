"""The beginning of a session: listen until the line is quiet, HELLO until it is answered, fetch the identity."""

from __future__ import annotations

from collections.abc import Callable

from mcu.errors import LinkError
from mcu.protocol.diagnosis import diagnose
from mcu.protocol.download import Download
from mcu.protocol.errors import ErrorClass, ProtocolCode, VersionMismatch
from mcu.protocol.frame import DELIMITER, MAX_PAYLOAD_BYTES, MIN_PAYLOAD_BYTES, VERSION, Frame
from mcu.protocol.identity import MAX_IDENTITY_BYTES, Identity
from mcu.protocol.link import Link
from mcu.protocol.messages import (
    Chunk,
    Error,
    Feature,
    Hello,
    HelloAck,
    MalformedMessage,
    Object,
    Type,
    chunk_bytes,
)
from mcu.protocol.timer import RetransmitTimer

_QUIET_S = 0.05
_NOISE_LIMIT_S = 2.0
# What this host makes use of where a board has it.
_FEATURES = (
    Feature.PROFILE | Feature.HASH_ONLY | Feature.SET_BAUD | Feature.MASK | Feature.OVERLAP | Feature.LOG
)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 1.0


def connect(
    link: Link, *, timer: RetransmitTimer, timeout_s: float, nonce: int, clock: Callable[[], float]
) -> tuple[HelloAck, Identity]:
    """Greet the board and learn who it is.

    Args:
        nonce: 32 bits that tell this connection from the ones before.

    Raises:
        LinkError: nobody answers HELLO in `timeout_s`; VersionMismatch if the board speaks other versions.
    """
    _drain(link, clock=clock)
    terms = _greet(link, timeout_s=timeout_s, nonce=nonce, clock=clock)
    return terms, _fetch_identity(link, terms, timer=timer, timeout_s=timeout_s, clock=clock)


def _drain(link: Link, *, clock: Callable[[], float]) -> None:
    """Let boot messages and leftovers pass; a board that never stops talking is greeted all the same."""
    end = clock() + _NOISE_LIMIT_S
    received = -1
    while received != link.bytes_received and clock() < end:
        received = link.bytes_received
        link.receive(timeout_s=_QUIET_S)


def _greet(link: Link, *, timeout_s: float, nonce: int, clock: Callable[[], float]) -> HelloAck:
    hello = Hello(VERSION, VERSION, MAX_PAYLOAD_BYTES, nonce, _FEATURES)
    begin = clock()
    wait_s = _FIRST_WAIT_S
    strangers: list[Frame] = []
    while clock() < begin + timeout_s:
        # Two delimiters end whatever half frame is in the board's buffer.
        link.send_raw(DELIMITER * 2)
        link.send_message(hello)
        again_at = min(clock() + wait_s, begin + timeout_s)
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
        while (left_s := again_at - clock()) > 0:
            for frame in link.receive(timeout_s=left_s):
                terms = _answer(frame, nonce=nonce, port=link.port.name)
                if terms is not None:
                    link.session = frame.session
                    return terms
                strangers.append(frame)
    raise diagnose(port=link.port.name, heard=link.heard, frames=strangers, waited_s=timeout_s)


def _answer(frame: Frame, *, nonce: int, port: str) -> HelloAck | None:
    """The terms if this frame answers our HELLO, None if it is of no interest."""
    try:
        if frame.type == Type.ERROR:
            error = Error.unpack(frame.payload)
            if (error.error_class, error.code) == (ErrorClass.PROTOCOL, ProtocolCode.VERSION):
                raise _other_version(port, error.arg >> 8 & 0xFF, error.arg & 0xFF)
        if frame.type != Type.HELLO_ACK or frame.session == 0:
            return None
        terms = HelloAck.unpack(frame.payload)
    except MalformedMessage:
        return None
    if terms.nonce != nonce:  # an answer to whoever was connected before
        return None
    if terms.version != VERSION:
        raise _other_version(port, terms.version, terms.version)
    payload = terms.max_payload_bytes
    if (
        not MIN_PAYLOAD_BYTES <= payload <= MAX_PAYLOAD_BYTES
        or terms.window_bytes < chunk_bytes(payload)
        or terms.identity_bytes > MAX_IDENTITY_BYTES
    ):
        raise LinkError(f"{port}: the board offers terms that cannot be: {terms}.", hint="Flash it again.")
    return terms


def _other_version(port: str, oldest: int, newest: int) -> VersionMismatch:
    theirs = str(oldest) if oldest == newest else f"{oldest} to {newest}"
    return VersionMismatch(
        f"{port}: the board speaks link protocol version {theirs}, this host speaks {VERSION}.",
        hint="Flash the board with `mcu flash` of this release, or install the release that flashed it.",
    )


def _fetch_identity(
    link: Link, terms: HelloAck, *, timer: RetransmitTimer, timeout_s: float, clock: Callable[[], float]
) -> Identity:
    block = Download(request=0, object=Object.IDENTITY, size=terms.identity_bytes, crc=terms.identity_crc32)
    fetches = block.missing()
    end = clock() + timeout_s
    while not block.complete:
        sent_at = clock()
        link.send((fetch.frame_type, fetch.pack()) for fetch in fetches)
        fetches = []
        # One read may bring only a part of what was asked for: listen on until it is all here or a hole shows.
        while not (block.complete or fetches):
            left_s = sent_at + timer.wait_s - clock()
            if left_s <= 0:
                break
            for frame in link.receive(timeout_s=left_s):
                timer.heard()
                sent_at = clock()
                if frame.type == Type.CHUNK:
                    fetches += block.add(Chunk.unpack(frame.payload))
        if not (block.complete or fetches):
            timer.expired()
            fetches = block.missing()
        if clock() > end:
            raise LinkError(
                f"{link.port.name}: the board answers HELLO and does not tell its identity in {timeout_s:.1f} s.",
                hint="Reset the board and connect again.",
            )
    if not block.intact:
        raise LinkError(f"{link.port.name}: the board's identity has another CRC-32 than announced.")
    return Identity.unpack(block.data)
