"""The C device and the Python device get the same bytes: they give the same answers, byte by byte."""

from __future__ import annotations

import random

import pytest

from mcu.protocol.frame import Frame, FrameReader, encode_frame
from mcu.protocol.messages import (
    Data,
    Error,
    Feature,
    Fetch,
    Hello,
    Invoke,
    InvokeFlag,
    Message,
    Object,
    Type,
    chunk_bytes,
)
from mcu.virtual.board import BoardLink
from tests.mcu.protocol.loop import SESSION, Invert, make_board, noise
from tests.sketches.link.c_board import LIMITS
from tests.sketches.link.conftest import MakeBoard


def _comparable(answer: bytes) -> list[Frame | None]:
    """The frames of an answer; the text of an ERROR is for people, and shorter in C."""
    frames: list[Frame | None] = []
    for frame in FrameReader().feed(answer):
        if frame is not None and frame.type == Type.ERROR:
            fixed = frame.payload[: Error.layout.size]
            assert len(frame.payload) > len(fixed)
            frame = Frame(frame.type, fixed, frame.seq, frame.session, frame.version, frame.flags)
        frames.append(frame)
    return frames


def _messages(rng: random.Random, engine: Invert, *, size: int, current: int = 1) -> Message:
    """A message that could have been sent, or one that nobody would send."""
    request = current if rng.random() < 0.9 else rng.choice([0, 1, 2, 3, 0x7FFF, 0x8001, 0xFFFF])
    kind = rng.randrange(60)
    if kind < 42:
        tensor = rng.randrange(len(engine.inputs) + (rng.random() < 0.05))
        nbytes = engine.inputs[min(tensor, len(engine.inputs) - 1)].nbytes
        offset = size * rng.randrange(-(-nbytes // size))
        data = rng.randbytes(min(size, nbytes - offset))
        if rng.random() < 0.05:
            offset += rng.choice([1, size, 40 * size])
        if rng.random() < 0.05:
            data = data[:-1]
        return Data(request, tensor, offset, data)
    if kind < 50:
        return Invoke(request, rng.choice([0, 0, InvokeFlag.HASH_ONLY, 0xFFF8]))
    if kind < 59:
        offset = rng.choice([0, 0, 1, size, 10**6, 0xFFFF_FFFF])
        length = rng.choice([0, 1, size, 5000, 0xFFFF_FFFF])
        return Fetch(request, rng.choice([*Object, 7]), offset, length)
    low, high, payload = rng.choice([(1, 1, 2048), (1, 7, 1024), (1, 1, 70), (2, 7, 512), (1, 1, 8)])
    features = rng.choice([0, Feature.HASH_ONLY, Feature.READ_TENSOR, Feature.OVERLAP])
    return Hello(low, high, payload, nonce=rng.randrange(3), features=features)


def _upload(rng: random.Random, engine: Invert, *, size: int, request: int = 1) -> list[Message]:
    """All chunks of a request, in any order that the device can take, some of them twice."""
    chunks: list[Message] = []
    for tensor, spec in enumerate(engine.inputs):
        offsets = list(range(0, spec.nbytes, size))
        for first in range(0, len(offsets), 32):
            part = offsets[first : first + 32]
            part += rng.sample(part, len(part) // 3)
            rng.shuffle(part)
            chunks += [Data(request, tensor, at, rng.randbytes(min(size, spec.nbytes - at))) for at in part]
    return chunks


@pytest.mark.parametrize("seed", range(20))
def test_any_sequence_of_messages_gets_the_same_answers(make_c_board: MakeBoard, limits_name: str, seed: int):
    rng = random.Random(seed)
    shapes = [((1,), (1,)), ((4,), (700, 3)), ((600, 57, 900), (2100,)), ((1100,), (10,))]
    inputs, outputs = shapes[seed % len(shapes)]
    engine = Invert(inputs=inputs, outputs=outputs)
    limits = LIMITS[limits_name]
    python_board = make_board(engine, limits=limits)
    c_board = make_c_board(engine)
    size = chunk_bytes(limits.max_payload_bytes)
    script: list[Message] = [Hello(1, 1, 2048, nonce=0), *_upload(rng, engine, size=size), Invoke(1)]
    intact = len(script)
    script += [_messages(rng, engine, size=size) for _ in range(500)]
    for seq, message in enumerate(script):
        session = SESSION if seq < intact or rng.random() < 0.99 else SESSION + 1
        version = 1 if seq < intact or rng.random() < 0.99 else 2
        wire = encode_frame(Frame(message.frame_type, message.pack(), seq, session, version))
        assert _same(python_board, c_board.feed(wire), wire), (seq, message)
    assert c_board.invocations == python_board.invocations > 0


def _same(python_board: BoardLink, theirs: bytes, wire: bytes) -> bool:
    return _comparable(theirs) == _comparable(python_board.feed(wire))


@pytest.mark.parametrize("seed", range(10))
def test_requests_that_arrive_while_results_are_kept_get_the_same_answers(
    make_c_board: MakeBoard, limits_name: str, seed: int
):
    rng = random.Random(seed)
    engine = Invert(inputs=(300, 40), outputs=(700, 3))
    limits = LIMITS[limits_name]
    python_board, c_board = make_board(engine, limits=limits), make_c_board(engine)
    size = chunk_bytes(limits.max_payload_bytes)
    script: list[Message] = [Hello(1, 1, 2048, nonce=5, features=Feature.OVERLAP | Feature.HASH_ONLY)]
    for request in range(1, 12):
        script += _upload(rng, engine, size=size, request=request)
        # Late words about the request before, and early ones about the next.
        for _ in range(rng.randrange(8)):
            about = max(1, request + rng.choice([-1, 0, 0, 1]))
            script.append(
                rng.choice(
                    [
                        Fetch(request - 1, Object.RESULT, 0, 1000),
                        Invoke(max(1, request - 1), rng.choice([0, InvokeFlag.HASH_ONLY])),
                        rng.choice(_upload(rng, engine, size=size, request=about)),
                    ]
                )
            )
        script.append(Invoke(request))
    for seq, message in enumerate(script):
        wire = encode_frame(Frame(message.frame_type, message.pack(), seq, SESSION))
        assert _same(python_board, c_board.feed(wire), wire), (seq, message)
    assert c_board.invocations == python_board.invocations > 3


@pytest.mark.parametrize("seed", range(5))
def test_damaged_bytes_in_pieces_of_any_length_get_the_same_answers(
    make_c_board: MakeBoard, limits_name: str, seed: int
):
    rng = random.Random(seed)
    engine = Invert(inputs=(600, 57), outputs=(90,))
    python_board = make_board(engine, limits=LIMITS[limits_name])
    c_board = make_c_board(engine)
    size = chunk_bytes(LIMITS[limits_name].max_payload_bytes)
    wire = encode_frame(Frame(Type.HELLO, Hello(1, 1, 2048, nonce=1).pack()))
    for seq in range(400):
        message = _messages(rng, engine, size=size)
        wire += encode_frame(Frame(message.frame_type, message.pack(), seq, SESSION))
    wire = noise(seed=seed, flip=1e-5, drop=1e-3, insert=1e-3, repeat=1e-3)(wire)
    theirs = b""
    at = 0
    while at < len(wire):
        count = rng.choice([1, 2, 7, 64, 300, 1000])
        theirs += c_board.feed(wire[at : at + count])
        at += count
    assert _same(python_board, theirs, wire)


@pytest.mark.parametrize("type_", [0, *(n for n in range(5, 32) if n != Type.RESET)])
def test_every_type_gets_the_same_answer_with_any_length(
    make_c_board: MakeBoard, limits_name: str, type_: int
):
    engine = Invert(inputs=(4,), outputs=(4,))
    python_board = make_board(engine, limits=LIMITS[limits_name])
    c_board = make_c_board(engine)
    hello = encode_frame(Frame(Type.HELLO, Hello(1, 1, 2048, nonce=1).pack()))
    wire = hello + b"".join(encode_frame(Frame(type_, bytes(n), n, SESSION)) for n in range(25))
    assert _same(python_board, c_board.feed(wire), wire)


@pytest.mark.parametrize("type_", range(1, 5))
def test_a_payload_of_any_length_gets_the_same_answer(make_c_board: MakeBoard, limits_name: str, type_: int):
    engine = Invert(inputs=(4,), outputs=(4,))
    python_board = make_board(engine, limits=LIMITS[limits_name])
    c_board = make_c_board(engine)
    hello = encode_frame(Frame(Type.HELLO, Hello(1, 1, 2048, nonce=1).pack()))
    wire = hello + b"".join(encode_frame(Frame(type_, b"\1" * n, n, SESSION)) for n in range(25))
    assert _same(python_board, c_board.feed(wire), wire)
