"""The device, frame by frame: what it answers, what it refuses, and that no bytes harm it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.protocol.errors import ErrorClass, ParamCode, ProtocolCode, StateCode
from mcu.protocol.frame import Frame, FrameReader, encode_frame
from mcu.protocol.messages import (
    Bye,
    Data,
    Error,
    Fetch,
    Hello,
    HelloAck,
    Invoke,
    Message,
    Nak,
    NakReason,
    Object,
    Result,
    Type,
)
from mcu.virtual.board import BoardLink
from tests.mcu.protocol.loop import SESSION, Invert, make_board

HELLO = Hello(1, 1, 1024, nonce=0xC0FFEE)


def _ask(board: BoardLink, *messages: Message, session: int = SESSION) -> list[Frame]:
    wire = b"".join(
        encode_frame(Frame(message.frame_type, message.pack(), seq, session))
        for seq, message in enumerate(messages)
    )
    frames = FrameReader().feed(board.feed(wire))
    return [frame for frame in frames if frame is not None]


def _greeted(engine: Invert | None = None) -> BoardLink:
    board = make_board(engine or Invert(inputs=(4,), outputs=(4,)))
    _ask(board, HELLO, session=0)
    return board


def _refusal(frames: list[Frame]) -> tuple[int, int, int]:
    (frame,) = frames
    assert frame.type == Type.ERROR
    error = Error.unpack(frame.payload)
    assert error.data.decode()
    return error.error_class, error.code, error.arg


def test_hello_is_answered_with_terms_and_the_boot_nonce():
    (frame,) = _ask(make_board(Invert()), HELLO, session=0)
    ack = HelloAck.unpack(frame.payload)
    assert (frame.type, frame.session) == (Type.HELLO_ACK, SESSION)
    assert (ack.version, ack.nonce, ack.max_payload_bytes, ack.window_bytes) == (1, 0xC0FFEE, 1024, 32 * 1016)


def test_the_smaller_payload_of_both_holds_in_whole_words():
    (frame,) = _ask(make_board(Invert()), Hello(1, 1, 103, nonce=1), session=0)
    assert HelloAck.unpack(frame.payload).max_payload_bytes == 100


def test_a_device_never_speaks_first_and_never_answers_noise_before_hello():
    board = make_board(Invert())
    assert board.feed(b"") == b""
    assert board.feed(random.Random(0).randbytes(10_000)) == b""


def test_damage_after_hello_is_reported_with_the_last_intact_frame():
    board = _greeted()
    _ask(board, *[Data(1, 0, 0, b"abcd")] * 3)
    (frame,) = FrameReader().feed(board.feed(b"\0\x05junk\0"))
    nak = Nak.unpack(frame.payload)
    assert (frame.type, nak.reason, nak.last_seq) == (Type.NAK, NakReason.DAMAGED, 2)


def test_a_run_is_answered_with_its_result():
    (frame,) = _ask(_greeted(), Data(1, 0, 0, b"\x00\x01\x02\x03"), Invoke(1))
    result = Result.unpack(frame.payload)
    assert (result.request, result.status, result.result_bytes) == (1, 0, 4)
    assert result.data == b"\xff\xfe\xfd\xfc"


def test_invoke_before_its_inputs_runs_nothing_and_tells_what_is_there():
    engine = Invert(inputs=(2000, 4), outputs=(4,))
    frames = _ask(_greeted(engine), Data(1, 0, 1016, b"x" * 984), Invoke(1))
    naks = [Nak.unpack(frame.payload) for frame in frames if frame.type == Type.NAK]
    assert [(nak.tensor, nak.next_offset, nak.sack, nak.reason) for nak in naks] == [
        (0, 0, 1, NakReason.INCOMPLETE),
        (1, 0, 0, NakReason.INCOMPLETE),
    ]
    assert engine.runs == 0


def test_a_late_frame_of_an_earlier_request_changes_nothing():
    engine = Invert(inputs=(4,), outputs=(4,))
    board = _greeted(engine)
    _ask(board, Data(2, 0, 0, b"abcd"))
    assert _ask(board, Data(1, 0, 0, b"zzzz"), Invoke(1)) == []
    (frame,) = _ask(board, Invoke(2))
    assert Result.unpack(frame.payload).data == bytes(b ^ 0xFF for b in b"abcd")


def test_bytes_after_the_run_do_not_change_its_result():
    board = _greeted()
    (first,) = _ask(board, Data(1, 0, 0, b"abcd"), Invoke(1))
    (again,) = _ask(board, Data(1, 0, 0, b"zzzz"), Invoke(1))
    assert first.payload == again.payload
    assert board.invocations == 1


def test_the_same_hello_again_undoes_nothing_and_another_one_begins_anew():
    board = _greeted()
    _ask(board, Data(1, 0, 0, b"abcd"))
    _ask(board, HELLO, session=0)
    assert [frame.type for frame in _ask(board, Invoke(1))] == [Type.RESULT]
    _ask(board, Hello(1, 1, 1024, nonce=2), session=0)
    assert [frame.type for frame in _ask(board, Invoke(1))] == [Type.NAK]


def test_a_frame_of_an_earlier_boot_is_refused_with_the_new_nonce_in_the_header():
    frames = _ask(_greeted(), Invoke(1), session=SESSION - 1)
    assert frames[0].session == SESSION
    assert _refusal(frames) == (ErrorClass.STATE, StateCode.WRONG_SESSION, SESSION - 1)


def test_without_hello_and_after_bye_nothing_is_done():
    expected = (ErrorClass.STATE, StateCode.NO_HELLO, Type.INVOKE)
    assert _refusal(_ask(make_board(Invert()), Invoke(1))) == expected
    board = _greeted()
    assert [frame.type for frame in _ask(board, Bye())] == [Type.BYE_ACK]
    assert _refusal(_ask(board, Invoke(1))) == expected


@pytest.mark.parametrize(
    ("message", "refusal"),
    [
        (Data(1, 1, 0, b"abcd"), (ErrorClass.PARAM, ParamCode.NO_SUCH_OBJECT, 1)),
        (Data(1, 0, 4, b"abcd"), (ErrorClass.PARAM, ParamCode.BAD_OFFSET, 4)),
        (Data(1, 0, 0, b"abc"), (ErrorClass.PARAM, ParamCode.BAD_LENGTH, 3)),
        (Data(0, 0, 0, b"abcd"), (ErrorClass.PARAM, ParamCode.BAD_REQUEST, 0)),
        (Fetch(0, 99, 0, 4), (ErrorClass.PARAM, ParamCode.NO_SUCH_OBJECT, 99)),
        (Fetch(5, Object.RESULT, 0, 4), (ErrorClass.PARAM, ParamCode.BAD_REQUEST, 5)),
    ],
)
def test_what_cannot_be_is_refused_by_name(message: Message, refusal: tuple[int, int, int]):
    assert _refusal(_ask(_greeted(), message)) == refusal


@pytest.mark.parametrize("type_", [Type.BOOTLOADER, Type.READ_TENSOR, 0x0F])
def test_types_without_a_meaning_are_refused(type_: int):
    answer = _greeted().feed(encode_frame(Frame(type_, b"", 3, SESSION)))
    assert _refusal(FrameReader().feed(answer)) == (ErrorClass.PROTOCOL, ProtocolCode.UNKNOWN_TYPE, type_)  # type: ignore[arg-type]


def test_a_short_payload_is_refused_with_its_length():
    answer = _greeted().feed(encode_frame(Frame(Type.INVOKE, b"\1", 3, SESSION)))
    assert _refusal(FrameReader().feed(answer)) == (ErrorClass.PROTOCOL, ProtocolCode.MALFORMED, 1)  # type: ignore[arg-type]


def test_another_version_in_a_frame_is_refused_with_the_boards_own():
    answer = _greeted().feed(encode_frame(Frame(Type.INVOKE, Invoke(1).pack(), 3, SESSION, version=2)))
    assert _refusal(FrameReader().feed(answer)) == (ErrorClass.PROTOCOL, ProtocolCode.VERSION, 0x0101)  # type: ignore[arg-type]


def test_an_echo_of_its_own_frames_is_not_answered():
    assert _greeted().feed(encode_frame(Frame(Type.RESULT, b"", 0, SESSION))) == b""


@given(st.binary(max_size=400), st.lists(st.tuples(st.integers(1, 31), st.binary(max_size=40)), max_size=5))
def test_no_bytes_and_no_frames_make_it_raise(junk: bytes, frames: list[tuple[int, bytes]]):
    board = _greeted()
    board.feed(junk)
    for type_, payload in frames:
        board.feed(encode_frame(Frame(type_, payload, 0, SESSION)))
    answers = _ask(board, Hello(1, 1, 1024, nonce=9), session=0)
    if board.wants_reset:  # among the frames was a RESET: whoever owns the board starts it again
        assert answers == []
    else:
        assert answers[-1].type == Type.HELLO_ACK
