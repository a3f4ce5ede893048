"""The wire format once more, from docs/reference/protocol.md alone: bit by bit, byte by byte, no library."""

from __future__ import annotations


def crc32(data: bytes) -> int:
    """Reflected CRC-32, one bit at a time."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def cobs_encode(data: bytes) -> bytes:
    """Each run of non-zero bytes behind its length + 1; 0xFF stands for 254 of them and no zero."""
    out, run = bytearray(), bytearray()
    for index, byte in enumerate(data):
        if byte:
            run.append(byte)
            if len(run) == 254 and index + 1 < len(data):
                out += b"\xff" + run
                run.clear()
        else:
            out += bytes([len(run) + 1]) + run
            run.clear()
    return bytes(out) + bytes([len(run) + 1]) + bytes(run)


def little_endian(value: int, size: int) -> bytes:
    return bytes(value >> 8 * i & 0xFF for i in range(size))


def frame(*, type: int, payload: bytes, seq: int, session: int, version: int = 1, flags: int = 0) -> bytes:
    """The bytes of a frame on the wire."""
    body = bytes([version << 5 | type, flags])
    body += little_endian(seq, 2) + little_endian(session, 2) + little_endian(len(payload), 2) + payload
    return b"\0" + cobs_encode(body + little_endian(crc32(body), 4)) + b"\0"
