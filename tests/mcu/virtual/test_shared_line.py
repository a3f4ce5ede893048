"""Two protocols on one line: which of them gets a byte, and that neither disturbs the other."""

from __future__ import annotations

import pytest

from mcu.protocol.frame import Frame, FrameReader, encode_frame
from mcu.protocol.messages import Bye, Data, Hello, Invoke, Message, Type
from mcu.protocol.mlperf_model import MlperfModel
from mcu.protocol.mlperf_tiny import MlperfTiny
from mcu.virtual.shared_line import SharedLine
from tests.mcu.protocol.loop import SESSION, Invert, make_board
from tests.mcu.protocol.mlperf import lines_of

HELLO = Hello(1, 1, 1024, nonce=7)
NAMED = ["m-name-dut-[keras-tiny]", "m-ready"]


@pytest.fixture
def line() -> SharedLine:
    engine = Invert(inputs=(4,), outputs=(4,))
    return SharedLine(make_board(engine), MlperfTiny(engine, model=MlperfModel("ic01")))


def _frames(line: SharedLine, *messages: Message, session: int = SESSION) -> list[Type]:
    wire = b"".join(encode_frame(Frame(m.frame_type, m.pack(), i, session)) for i, m in enumerate(messages))
    return [Type(frame.type) for frame in FrameReader().feed(line.feed(wire)) if frame is not None]


def test_after_power_on_nothing_is_said_and_a_printable_byte_begins_text(line: SharedLine):
    assert line.feed(b"") == b""
    assert lines_of(line.feed(b"name%")) == NAMED


def test_after_power_on_a_zero_begins_frames(line: SharedLine):
    assert _frames(line, HELLO, session=0) == [Type.HELLO_ACK]


@pytest.mark.parametrize("noise", [b"\xff", b"\x80\xfe\xff", b"\r\n", b"\x01"])
def test_noise_of_power_on_is_neither(line: SharedLine, noise: bytes):
    assert lines_of(line.feed(noise + b"name%")) == NAMED


def test_a_zero_ends_text_and_half_a_command_with_it(line: SharedLine):
    assert line.feed(b"na") == b""
    assert _frames(line, HELLO, Bye()) == [Type.HELLO_ACK, Type.BYE_ACK]
    assert lines_of(line.feed(b"name%")) == NAMED


def test_while_a_host_is_connected_text_is_a_damaged_frame(line: SharedLine):
    _frames(line, HELLO, session=0)
    assert line.feed(b"name%") == b""
    (nak,) = FrameReader().feed(line.feed(b"\0"))
    assert nak is not None
    assert nak.type == Type.NAK
    assert _frames(line, Data(1, 0, 0, b"abcd"), Invoke(1)) == [Type.RESULT]


def test_a_frame_with_percent_signs_is_no_text_before_anybody_is_connected(line: SharedLine):
    wire = encode_frame(Frame(Type.DATA, Data(1, 0, 0, b"name%%%%").pack(), 0, SESSION))
    (refused,) = FrameReader().feed(line.feed(wire))
    assert refused is not None
    assert refused.type == Type.ERROR


def test_results_of_text_end_when_frames_have_run_the_model(line: SharedLine):
    assert "m-results-[63.500,63.500,63.500,63.500]" in lines_of(line.feed(b"infer 1 0%"))
    _frames(line, HELLO, Data(1, 0, 0, b"abcd"), Invoke(1), Bye())
    assert lines_of(line.feed(b"results%"))[0] == "m-results-[0.000,0.000,0.000,0.000]"


def test_what_text_has_loaded_stays_while_frames_have_the_line(line: SharedLine):
    line.feed(b"db load 4%db 01020304%")
    _frames(line, HELLO, Data(1, 0, 0, b"abcd"), Invoke(1), Bye())
    assert lines_of(line.feed(b"db print%"))[0] == "m-buffer-01-02-03-04"
