"""The vectors that every implementation reads, held against this one; the file itself must be the generator's."""

from __future__ import annotations

import json

import pytest

from mcu.protocol import cobs, control, messages
from mcu.protocol.crc import crc32
from mcu.protocol.frame import Frame, FrameReader, decode_frame, encode_frame
from mcu.protocol.messages import Message, TailedMessage
from mcu.virtual.board import LinkLimits
from tests.mcu.protocol.loop import Invert, make_board
from tests.vectors.make_protocol import PATH, vectors

VECTORS = json.loads(PATH.read_text())
KINDS: dict[int, type[Message]] = {
    kind.frame_type: kind
    for kind in [*vars(messages).values(), *vars(control).values()]
    if isinstance(kind, type) and issubclass(kind, Message) and hasattr(kind, "frame_type")
}
# Published with the algorithm's description: en.wikipedia.org/wiki/Consistent_Overhead_Byte_Stuffing.
PUBLISHED_COBS = {"00": "0101", "001100": "01021101", "11220033": "0311220233", "11000000": "0211010101"}


def test_the_file_is_what_its_generator_writes():
    assert json.loads(json.dumps(vectors())) == VECTORS


@pytest.mark.parametrize("vector", VECTORS["crc32"])
def test_crc(vector: dict):  # type: ignore[type-arg]
    assert crc32(bytes.fromhex(vector["data"])) == vector["crc"]


@pytest.mark.parametrize("vector", VECTORS["cobs"])
def test_cobs(vector: dict):  # type: ignore[type-arg]
    decoded, encoded = bytes.fromhex(vector["decoded"]), bytes.fromhex(vector["encoded"])
    assert cobs.encode(decoded) == encoded
    assert cobs.decode(encoded) == decoded


def test_the_published_examples_of_cobs_are_among_the_vectors():
    ours = {vector["decoded"]: vector["encoded"] for vector in VECTORS["cobs"]}
    assert PUBLISHED_COBS.items() <= ours.items()


@pytest.mark.parametrize("vector", VECTORS["frames"], ids=lambda vector: vector["name"])
def test_frames(vector: dict):  # type: ignore[type-arg]
    frame = Frame(
        type=vector["type"],
        payload=bytes.fromhex(vector["payload"]),
        seq=vector["seq"],
        session=vector["session"],
        version=vector["version"],
        flags=vector["flags"],
    )
    wire = bytes.fromhex(vector["wire"])
    assert encode_frame(frame) == wire
    assert FrameReader().feed(wire) == [frame]


@pytest.mark.parametrize("vector", VECTORS["not_frames"], ids=lambda vector: vector["name"])
def test_what_is_no_frame_is_refused(vector: dict):  # type: ignore[type-arg]
    assert all(decode_frame(part) is None for part in bytes.fromhex(vector["wire"]).split(b"\0") if part)


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=lambda vector: vector["name"])
def test_messages(vector: dict):  # type: ignore[type-arg]
    kind = KINDS.get(vector["type"])
    if kind is None:  # BYE_ACK has neither fields nor a class
        assert vector["payload"] == ""
        return
    tail = {"data": bytes.fromhex(vector["tail"])} if issubclass(kind, TailedMessage) else {}
    message = kind(**vector["fields"], **tail)
    assert message.pack().hex() == vector["payload"]
    assert kind.unpack(bytes.fromhex(vector["payload"])) == message


def test_every_message_has_a_vector():
    assert {vector["type"] for vector in VECTORS["messages"]} >= KINDS.keys()


def test_the_board_holds_the_conversation_to_the_byte():
    device = VECTORS["conversation"]["device"]
    engine = Invert(inputs=device["inputs_bytes"], outputs=device["outputs_bytes"])
    limits = LinkLimits(max_payload_bytes=device["max_payload_bytes"], window_bytes=device["window_bytes"])
    board = make_board(engine, session=device["session"], limits=limits)
    for step in VECTORS["conversation"]["steps"]:
        assert board.feed(bytes.fromhex(step["host"])).hex() == step["device"], step["name"]
    assert engine.runs == 1


def test_the_conversation_is_the_same_one_byte_at_a_time():
    device = VECTORS["conversation"]["device"]
    engine = Invert(inputs=device["inputs_bytes"], outputs=device["outputs_bytes"])
    limits = LinkLimits(max_payload_bytes=device["max_payload_bytes"], window_bytes=device["window_bytes"])
    board = make_board(engine, session=device["session"], limits=limits)
    for step in VECTORS["conversation"]["steps"]:
        answer = b"".join(board.feed(bytes([byte])) for byte in bytes.fromhex(step["host"]))
        assert answer.hex() == step["device"], step["name"]
