"""Frames on the wire: 0x00, COBS(header, payload, CRC-32), 0x00 (docs/reference/protocol.md, "Frames")."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from mcu.protocol import cobs
from mcu.protocol.crc import CRC_BYTES, crc32

VERSION = 1  # of the link protocol, 1..7: three bits in every header
DELIMITER = b"\0"
HEADER = struct.Struct("<BBHHH")  # version << 5 | type, flags, seq, session, payload bytes
MIN_FRAME_BYTES = HEADER.size + CRC_BYTES
MIN_PAYLOAD_BYTES = 64  # every peer takes payloads this long
MAX_PAYLOAD_BYTES = 2048  # CRC-32 keeps a Hamming distance of 4 well beyond this length
_CRC = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Frame:
    """One message with its header.

    Attributes:
        type: of the message, 1..31 (`messages.Type`).
        payload: 0 to the negotiated number of bytes.
        seq: counts the frames of one direction, modulo 65536.
        session: the device's boot nonce, 1..65535; 0 before the host knows it.
        version: of the link protocol, 1..7.
        flags: 0; receivers ignore them.
    """

    type: int
    payload: bytes = b""
    seq: int = 0
    session: int = 0
    version: int = VERSION
    flags: int = 0


def encode_frame(frame: Frame) -> bytes:
    """Frame → bytes for the wire, with both delimiters."""
    header = HEADER.pack(
        frame.version << 5 | frame.type, frame.flags, frame.seq, frame.session, len(frame.payload)
    )
    body = header + frame.payload
    return b"\0" + cobs.encode(body + _CRC.pack(crc32(body))) + b"\0"


def decode_frame(encoded: bytes) -> Frame | None:
    """What stood between two delimiters → its frame, or None if it is damaged in any way."""
    try:
        raw = cobs.decode(encoded)
    except cobs.CobsError:
        return None
    if len(raw) < MIN_FRAME_BYTES:
        return None
    (crc,) = _CRC.unpack_from(raw, len(raw) - CRC_BYTES)
    if crc32(memoryview(raw)[:-CRC_BYTES]) != crc:
        return None
    version_type, flags, seq, session, length = HEADER.unpack_from(raw)
    if length != len(raw) - MIN_FRAME_BYTES:
        return None
    payload = raw[HEADER.size : -CRC_BYTES]
    return Frame(version_type & 0x1F, payload, seq, session, version_type >> 5, flags)


class FrameReader:
    """Cuts a stream of bytes into frames; never raises, whatever arrives.

    Args:
        max_payload_bytes: longer frames are dropped unread, so that noise without zeros needs no memory.

    Attributes:
        damaged: stretches between delimiters that were not a frame.
    """

    def __init__(self, *, max_payload_bytes: int = MAX_PAYLOAD_BYTES):
        self._max_bytes = cobs.max_encoded_bytes(MIN_FRAME_BYTES + max_payload_bytes)
        self._partial = b""
        self._too_long = False
        self.damaged = 0

    def feed(self, data: bytes) -> list[Frame | None]:
        """Every frame that `data` completes, and None in the place of each damaged one."""
        frames = []
        *complete, self._partial = (self._partial + data).split(DELIMITER)
        for encoded in complete:
            too_long, self._too_long = self._too_long or len(encoded) > self._max_bytes, False
            if not encoded and not too_long:
                continue
            frame = None if too_long else decode_frame(encoded)
            self.damaged += frame is None
            frames.append(frame)
        if len(self._partial) > self._max_bytes:
            self._partial, self._too_long = b"", True
        return frames
