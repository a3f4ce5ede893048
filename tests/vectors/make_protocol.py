"""Write tests/vectors/protocol.json: `python -m tests.vectors.make_protocol`.

Frames and messages come from the byte-by-byte reference, not from `mcu.protocol`; only the conversation is
recorded from the virtual board, whose answers have no second source yet.
"""

from __future__ import annotations

import json
from pathlib import Path

from mcu.virtual.board import LinkLimits
from tests.mcu.protocol import reference
from tests.mcu.protocol.loop import SESSION, Invert, identity_of, make_board
from tests.mcu.protocol.reference import little_endian

PATH = Path(__file__).with_name("protocol.json")

COBS = ["", "00", "0000", "001100", "11220033", "11223344", "11000000"]
COBS += [bytes(row).hex() for row in (range(1, 255), range(255), range(1, 256))]
COBS += [bytes([*range(2, 256), 0]).hex(), bytes([*range(3, 256), 0, 1]).hex()]

# Fixed parts as in docs/reference/protocol.md: field, bytes, value; then the tail.
MESSAGES: dict[str, tuple[int, list[tuple[str, int, int]], bytes]] = {
    "HELLO": (
        0x01,
        [
            ("version_min", 1, 1),
            ("version_max", 1, 1),
            ("max_payload_bytes", 2, 2048),
            ("nonce", 4, 0xC0FFEE01),
            ("features", 4, 0),
        ],
        b"",
    ),
    "FETCH": (0x02, [("request", 2, 0), ("object", 2, 1), ("offset", 4, 0), ("length", 4, 110)], b""),
    "DATA": (0x03, [("request", 2, 7), ("tensor", 2, 1), ("offset", 4, 0x10203)], b"\x00\x80\x7f\xff"),
    "INVOKE": (0x04, [("request", 2, 0xFFFF), ("flags", 2, 0)], b""),
    "BYE": (0x05, [], b""),
    "PING": (0x06, [], b"\x2a\x00\x00\x00\x00\x01"),
    "SET_BAUD": (0x07, [("baud", 4, 921600), ("confirm_ms", 2, 250), ("reserved", 2, 0)], b""),
    "GET_STATS": (0x08, [], b""),
    "RESET": (0x09, [], b""),
    "HELLO_ACK": (
        0x11,
        [
            ("version", 1, 1),
            ("reserved", 1, 0),
            ("max_payload_bytes", 2, 1024),
            ("nonce", 4, 0xC0FFEE01),
            ("features", 4, 0),
            ("window_bytes", 4, 32512),
            ("identity_bytes", 4, 110),
            ("identity_crc32", 4, 0xE35BFE14),
        ],
        b"",
    ),
    "CHUNK": (0x12, [("request", 2, 7), ("object", 2, 0), ("offset", 4, 1000)], b"\x01\x00\x02"),
    "ACK": (
        0x13,
        [
            ("request", 2, 7),
            ("tensor", 2, 1),
            ("next_offset", 4, 2032),
            ("sack", 4, 0x80000005),
            ("window_bytes", 4, 32512),
            ("last_seq", 2, 0xABCD),
            ("reason", 2, 0),
        ],
        b"",
    ),
    "RESULT": (
        0x14,
        [
            ("request", 2, 7),
            ("status", 1, 0),
            ("code", 1, 0),
            ("latency_us", 4, 18420),
            ("instructions", 8, 0xFFFFFFFFFFFFFFFF),
            ("result_bytes", 4, 3),
            ("result_crc32", 4, reference.crc32(b"\xf6\x00\x0a")),
        ],
        b"\xf6\x00\x0a",
    ),
    "BYE_ACK": (0x15, [], b""),
    "PONG": (0x16, [], b"\x2a\x00\x00\x00\x00\x01"),
    "BAUD_ACK": (0x17, [("baud", 4, 921600)], b""),
    "STATS": (
        0x18,
        [
            ("frames_received", 4, 70000),
            ("frames_damaged", 4, 3),
            ("frames_sent", 4, 70003),
            ("overruns", 4, 1),
            ("refused", 4, 2),
            ("invocations", 4, 9000),
            ("logs_dropped", 4, 0),
        ],
        b"",
    ),
    "NAK": (
        0x19,
        [
            ("request", 2, 7),
            ("tensor", 2, 0),
            ("next_offset", 4, 0),
            ("sack", 4, 1),
            ("window_bytes", 4, 32512),
            ("last_seq", 2, 3),
            ("reason", 2, 2),
        ],
        b"",
    ),
    "LOG": (
        0x1D,
        [("level", 2, 2), ("reserved", 2, 0)],
        b"back at 115200",
    ),
    "ERROR": (
        0x1A,
        [("error_class", 1, 3), ("code", 1, 1), ("seq", 2, 9), ("arg", 4, 0x4B54)],
        b"the board started again",
    ),
}


def main() -> None:
    """Write the file."""
    PATH.write_text(json.dumps(vectors(), indent=1) + "\n")


def vectors() -> dict[str, object]:
    """Everything in the file."""
    return {
        "about": "Vectors of the link protocol, version 1 (docs/reference/protocol.md); bytes in hexadecimal.",
        "crc32": [
            {"data": d.hex(), "crc": reference.crc32(d)}
            for d in (b"", b"\0", b"123456789", bytes(range(256)))
        ],
        "cobs": [{"decoded": d, "encoded": reference.cobs_encode(bytes.fromhex(d)).hex()} for d in COBS],
        "messages": [_message(name) for name in MESSAGES],
        "frames": [_frame(index, name) for index, name in enumerate(MESSAGES)] + _edge_frames(),
        "not_frames": _not_frames(),
        "conversation": conversation(),
    }


def _payload(name: str) -> bytes:
    _, fields, tail = MESSAGES[name]
    return b"".join(little_endian(value, size) for _, size, value in fields) + tail


def _message(name: str) -> dict[str, object]:
    type_, fields, tail = MESSAGES[name]
    return {
        "name": name,
        "type": type_,
        "fields": {field: value for field, _, value in fields},
        "tail": tail.hex(),
        "payload": _payload(name).hex(),
    }


def _frame(index: int, name: str) -> dict[str, object]:
    type_, _, _ = MESSAGES[name]
    session = 0 if name == "HELLO" else SESSION
    return _described(name, type_, _payload(name), seq=0xFFFA + index & 0xFFFF, session=session)


def _edge_frames() -> list[dict[str, object]]:
    return [
        _described("DATA of zeros", 0x03, bytes(600), seq=0, session=1),
        _described("DATA without zeros, 254 and more", 0x03, b"\xff" * 600, seq=0xFFFF, session=0xFFFF),
        _described(
            "the longest payload", 0x12, bytes(i * 7 & 0xFF for i in range(2048)), seq=256, session=0x0100
        ),
        _described("another version, unknown flags", 0x1F, b"", seq=1, session=2, version=7, flags=0xA5),
    ]


def _described(
    name: str, type_: int, payload: bytes, *, seq: int, session: int, version: int = 1, flags: int = 0
) -> dict[str, object]:
    wire = reference.frame(
        type=type_, payload=payload, seq=seq, session=session, version=version, flags=flags
    )
    return {
        "name": name,
        "version": version,
        "type": type_,
        "flags": flags,
        "seq": seq,
        "session": session,
        "payload": payload.hex(),
        "wire": wire.hex(),
    }


def _not_frames() -> list[dict[str, str]]:
    good = reference.frame(type=4, payload=b"\x01\x00\x00\x00", seq=5, session=SESSION)
    body = bytes([0x24, 0, 5, 0, 0x54, 0x4B, 5, 0, 1, 0, 0, 0])  # says 5 payload bytes, has 4
    wrong_length = reference.cobs_encode(body + little_endian(reference.crc32(body), 4))
    return [
        {"name": name, "wire": wire.hex()}
        for name, wire in (
            ("a flipped bit", good[:6] + bytes([good[6] ^ 1]) + good[7:]),
            ("a byte missing", good[:6] + good[7:]),
            ("a byte too many", good[:6] + b"\x55" + good[6:]),
            ("cut in half", good[: len(good) // 2] + b"\0"),
            ("a length code beyond the end", b"\0\x09\x01\x02\0"),
            ("shorter than a header", b"\0\x02\x01\0"),
            ("a length that is not the payload's", b"\0" + wrong_length + b"\0"),
        )
    ]


def conversation() -> dict[str, object]:
    """A whole session with a device whose model answers the complement of its inputs, in 500 us."""
    engine = Invert(inputs=(150, 10), outputs=(100, 4))
    board = make_board(engine, limits=LinkLimits(max_payload_bytes=64, window_bytes=112))
    seq = 0

    def host(type_: int, payload: bytes = b"", *, session: int = SESSION) -> bytes:
        nonlocal seq
        seq += 1
        return reference.frame(type=type_, payload=payload, seq=seq, session=session)

    def number(*values: tuple[int, int]) -> bytes:
        return b"".join(little_endian(value, size) for value, size in values)

    def data(request: int, tensor: int, offset: int, content: bytes) -> bytes:
        return host(0x03, number((request, 2), (tensor, 2), (offset, 4)) + content)

    hello = _payload("HELLO")
    first, second = bytes(range(100, 250)), bytes(range(10))
    invoke = number((1, 2), (0, 2))
    steps: list[tuple[str, bytes]] = [
        ("noise before HELLO is not answered", b"\x55\x12\0\xff\x01\0"),
        ("a frame before HELLO is refused", host(0x04, invoke)),
        ("HELLO", b"\0\0" + host(0x01, hello, session=0)),
        ("the same HELLO again", host(0x01, hello, session=0)),
        ("FETCH of the identity", host(0x02, number((0, 2), (1, 2), (0, 4), (1000, 4)))),
        ("DATA up to half the window", data(1, 0, 0, first[:56])),
        ("DATA with a hole before it", data(1, 0, 112, first[112:])),
        ("DATA of the second tensor", data(1, 1, 0, second)),
        ("INVOKE before all is there", host(0x04, invoke)),
        ("DATA that fills the hole", data(1, 0, 56, first[56:112])),
        ("DATA once more", data(1, 0, 0, first[:56])),
        ("a damaged frame", b"\0\x03\x11\x22\x01\0"),
        ("INVOKE", host(0x04, invoke)),
        ("INVOKE once more", host(0x04, invoke)),
        ("INVOKE once more, for the CRC-32 alone", host(0x04, number((1, 2), (2, 2)))),
        ("FETCH of a part of the result", host(0x02, number((1, 2), (0, 2), (40, 4), (30, 4)))),
        ("FETCH of a result that is gone", host(0x02, number((9, 2), (0, 2), (0, 4), (4, 4)))),
        ("DATA beyond the tensor", data(2, 0, 168, b"\x01")),
        ("a type without a meaning", host(0x0B)),
        ("PING", host(0x06, _payload("PING"))),
        ("PING without content", host(0x06)),
        ("GET_STATS", host(0x08)),
        ("a payload that is too short", host(0x04, b"\x01")),
        ("a frame of an earlier boot", host(0x04, invoke, session=SESSION - 1)),
        ("BYE", host(0x05)),
        ("INVOKE after BYE", host(0x04, invoke)),
    ]
    return {
        "device": {
            "session": SESSION,
            "max_payload_bytes": 64,
            "window_bytes": 112,
            "inputs_bytes": [150, 10],
            "outputs_bytes": [100, 4],
            "identity": identity_of(engine).pack().hex(),
            "model": "the inputs in a row, every bit inverted; the outputs are its first bytes",
            "latency_us": 500,
        },
        "steps": [
            {"name": name, "host": wire.hex(), "device": board.feed(wire).hex()} for name, wire in steps
        ],
    }


if __name__ == "__main__":
    main()
