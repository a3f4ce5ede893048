"""docs/reference/protocol.md says what the code does: its tables, its numbers and its example are held against it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from mcu.protocol import control, errors, messages
from mcu.protocol.errors import ErrorClass
from mcu.protocol.fault import Fault
from mcu.protocol.frame import (
    HEADER,
    MAX_PAYLOAD_BYTES,
    MIN_FRAME_BYTES,
    MIN_PAYLOAD_BYTES,
    Frame,
    encode_frame,
)
from mcu.protocol.identity import DTYPES, Tag
from mcu.protocol.messages import Data, Feature, Hello, Invoke, Message, Type, chunk_bytes
from tests.mcu.protocol.loop import SESSION, Invert, make_board

TEXT = (Path(__file__).parents[3] / "docs/reference/protocol.md").read_text(encoding="utf-8")
MESSAGES = {
    "HELLO": messages.Hello,
    "HELLO_ACK": messages.HelloAck,
    "FETCH": messages.Fetch,
    "CHUNK": messages.Chunk,
    "DATA": messages.Data,
    "ACK": messages.Ack,
    "INVOKE": messages.Invoke,
    "RESULT": messages.Result,
    "ERROR": messages.Error,
    "FAULT": Fault,
    "SET_BAUD": control.SetBaud,
    "BAUD_ACK": control.BaudAck,
    "STATS": control.Stats,
    "LOG": control.Log,
}


def _rows(heading: str) -> list[list[str]]:
    """Cells of every table row between a heading and the next one of any level."""
    section = re.split(r"\n#+ ", TEXT.split(f"{heading}", 1)[1])[0]
    lines = (line for line in section.splitlines() if line.startswith("|") and not line.startswith("|-"))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_type_is_in_the_table_with_its_number():
    assert {int(row[0], 16): row[1] for row in _rows("\n## Types")[1:]} == {
        type_: type_.name for type_ in Type
    }


def test_every_message_has_its_fields_at_their_places():
    for name, kind in MESSAGES.items():
        rows = _rows(f"\n### {name} (")[1:]
        fixed = [row for row in rows if row[1].isdigit()]
        sizes = [int(row[1]) for row in fixed]
        assert [int(row[0]) for row in fixed] == [sum(sizes[:i]) for i in range(len(sizes))], name
        assert sum(sizes) == kind.layout.size, name
        widths = {1: "B", 2: "H", 4: "I", 8: "Q"}
        assert "<" + "".join(widths[size] for size in sizes) == kind.layout.format, name
        expected = [row[2] for row in rows]
        fields = [field.name for field in dataclasses.fields(kind)]
        if name == "ERROR":
            fields[-1] = "text"
        assert fields == expected, name


@pytest.mark.parametrize("name", MESSAGES)
def test_every_size_in_the_table_of_types_is_the_layouts(name: str):
    (payload,) = (row[3] for row in _rows("\n## Types")[1:] if row[1] == name)
    assert int(re.search(r"\d+", payload)[0]) == MESSAGES[name].layout.size  # type: ignore[index]


def test_the_header_is_described_to_the_byte():
    rows = _rows("\n## Frames")[1:]
    assert [(int(row[0]), int(row[1])) for row in rows[:5]] == [(0, 1), (1, 1), (2, 2), (4, 2), (6, 2)]
    assert HEADER.format == "<BBHHH"
    assert f"fewer than {MIN_FRAME_BYTES} decoded bytes" in TEXT
    assert f"takes payloads of {MIN_PAYLOAD_BYTES} bytes. The most is {MAX_PAYLOAD_BYTES}" in TEXT


def test_every_error_is_in_the_tables():
    rows = _rows("\n## Errors")
    classes = {int(row[0]): row[1] for row in rows if len(row) == 3 and row[0].isdigit()}
    assert classes == {class_: class_.name for class_ in ErrorClass}
    codes = {(row[0], int(row[1])): row[2] for row in rows if len(row) == 4 and row[1].isdigit()}
    assert codes == {
        (kind.upper(), code): code.name
        for kind in ("Protocol", "State", "Param", "Kernel")
        for code in getattr(errors, f"{kind}Code")
    }


def test_every_tag_of_the_identity_is_in_the_table():
    rows = [row for row in _rows("\n## Identity") if row[0].startswith("0x")]
    assert {int(row[0], 16): row[1] for row in rows} == {tag: tag.name for tag in Tag}
    assert ", ".join(f"{i} {name}" for i, name in enumerate(DTYPES)) in TEXT


def test_every_feature_bit_is_in_the_table():
    rows = _rows("\n## Room for later")[1:]
    assert {1 << int(row[0]): row[1] for row in rows} == {bit.value: bit.name for bit in Feature}


def test_the_example_is_what_a_board_says():
    board = make_board(Invert(inputs=(4,), outputs=(4,)))

    def host(message: Message, seq: int, *, session: int = SESSION) -> bytes:
        return encode_frame(Frame(message.frame_type, message.pack(), seq, session))

    hello = host(Hello(1, 1, 1024, 0xC0FFEE01), 0, session=0)
    data, invoke = host(Data(1, 0, 0, b"\x00\x01\x02\x03"), 1), host(Invoke(1), 2)
    bye = host(messages.Bye(), 3)
    lines = [
        ("> HELLO", hello),
        ("< HELLO_ACK", board.feed(hello)),
        ("> DATA", data),
        ("> INVOKE", invoke),
        ("< RESULT", board.feed(data + invoke)),
        ("> BYE", bye),
        ("< BYE_ACK", board.feed(bye)),
    ]
    for name, wire in lines:
        assert re.search(rf"^{name} +{wire.hex(' ')}$", TEXT, re.MULTILINE), name


@pytest.mark.parametrize(("payload", "percent"), [(1024, "97.4"), (512, "95.3"), (64, "70.9")])
def test_the_shares_of_the_line_are_those_of_the_longest_chunk(payload: int, percent: str):
    size = chunk_bytes(payload)
    worst = len(encode_frame(Frame(Type.DATA, b"\xff" * payload, 0xFFFF, 0xFFFF)))
    assert f"{100 * size / worst:.1f}" == percent
    assert f"{percent} %" in TEXT
