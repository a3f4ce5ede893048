"""The C device tries a rate, keeps it when told to, and goes back by itself; what it answers is what Python answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcu.protocol.control import BaudAck, Ping, SetBaud
from mcu.protocol.errors import ErrorClass, ParamCode
from mcu.protocol.frame import Frame, FrameReader, encode_frame
from mcu.protocol.messages import Bye, Error, Feature, Hello, HelloAck, Message, Type
from mcu.virtual.baud import BaudRate
from mcu.virtual.board import BoardLink
from tests.mcu.protocol.loop import SESSION, Invert, identity_of
from tests.sketches.link.c_board import LIMITS, CBoard

START, MOST = 115_200, 2_000_000


class Both:
    """The C device and the Python device, with one clock."""

    def __init__(self, program: Path):
        engine = Invert(inputs=(4,))
        self._now_ms, self._seq = 0, 0
        self._rate = BaudRate(START, most=MOST)
        self._python = BoardLink(
            engine,
            identity=identity_of(engine),
            session=SESSION,
            limits=LIMITS["64"],
            clock_ns=lambda: self._now_ms * 1_000_000,
            baud=self._rate,
        )
        self.c = CBoard(program, engine, baud=START, most_baud=MOST)
        self.ask(Hello(1, 1, 64, nonce=1, features=Feature.SET_BAUD), session=0)

    def ask(self, message: Message, *, session: int = SESSION) -> Frame:
        """The answer that both give."""
        wire = encode_frame(Frame(message.frame_type, message.pack(), self._seq, session))
        self._seq += 1
        theirs, ours = (FrameReader().feed(board.feed(wire)) for board in (self.c, self._python))
        (one,), (other,) = theirs, ours
        assert one is not None
        assert other is not None
        fixed = Error.layout.size if one.type == Type.ERROR else None
        if one.type != Type.HELLO_ACK:  # the C device measures operators too
            assert (one.type, one.payload[:fixed]) == (other.type, other.payload[:fixed])
        return one

    def wait_ms(self, milliseconds: int) -> None:
        self.c.wait_ms(milliseconds)
        self._now_ms += milliseconds
        self._rate.tick(now_ns=self._now_ms * 1_000_000)

    @property
    def rate(self) -> int:
        assert self.c.rate == self._rate.rate
        return self.c.rate


@pytest.fixture
def both(programs: dict[str, Path]) -> Iterator[Both]:
    boards = Both(programs["64"])
    yield boards
    boards.c.close()


def test_the_feature_is_offered_where_the_line_has_a_rate(programs: dict[str, Path]):
    hello = encode_frame(
        Frame(Type.HELLO, Hello(1, 1, 64, nonce=1, features=0xFFFF_FFFF & ~Feature.PROFILE).pack())
    )
    offered = []
    for most in (MOST, 0):
        board = CBoard(programs["64"], Invert(inputs=(4,)), baud=START, most_baud=most)
        (frame,) = FrameReader().feed(board.feed(hello))
        assert frame is not None
        offered.append(bool(HelloAck.unpack(frame.payload).features & Feature.SET_BAUD))
        board.close()
    assert offered == [True, False]


def test_a_rate_that_is_not_confirmed_is_given_up(both: Both):
    assert BaudAck.unpack(both.ask(SetBaud(921_600, 250)).payload).baud == 921_600
    assert both.rate == 921_600
    both.wait_ms(240)
    assert both.rate == 921_600
    both.wait_ms(20)
    assert both.rate == START


def test_every_intact_frame_gives_it_more_time(both: Both):
    both.ask(SetBaud(921_600, 250))
    for _ in range(5):
        both.wait_ms(200)
        both.ask(Ping(b"echo"))
        assert both.rate == 921_600
    both.wait_ms(260)
    assert both.rate == START


def test_a_confirmed_rate_stays_until_bye(both: Both):
    both.ask(SetBaud(921_600, 250))
    both.ask(SetBaud(921_600, 0))
    both.wait_ms(2000)
    assert both.rate == 921_600
    both.ask(Bye())
    assert both.rate == START


def test_the_same_wish_twice_confirms_nothing(both: Both):
    both.ask(SetBaud(921_600, 250))
    both.ask(SetBaud(921_600, 250))
    both.wait_ms(260)
    assert both.rate == START


def test_a_second_rate_that_fails_leads_back_to_the_confirmed_one(both: Both):
    both.ask(SetBaud(460_800, 250))
    both.ask(SetBaud(460_800, 0))
    both.ask(SetBaud(921_600, 250))
    assert both.rate == 921_600
    both.wait_ms(260)
    assert both.rate == 460_800


def test_longer_than_half_a_second_no_rate_is_tried(both: Both):
    both.ask(SetBaud(921_600, 60_000))
    both.wait_ms(510)
    assert both.rate == START


@pytest.mark.parametrize(("baud", "confirm_ms"), [(0, 250), (MOST + 1, 250), (921_600, 0)])
def test_what_cannot_be_is_refused(both: Both, baud: int, confirm_ms: int):
    error = Error.unpack(both.ask(SetBaud(baud, confirm_ms)).payload)
    assert (error.error_class, error.code, error.arg) == (ErrorClass.PARAM, ParamCode.BAD_BAUD, baud)
    assert both.rate == START


def test_a_reset_is_confirmed_and_ends_the_program(programs: dict[str, Path]):
    board = CBoard(programs["64"], Invert(inputs=(4,)))
    board.feed(encode_frame(Frame(Type.HELLO, Hello(1, 1, 64, nonce=1).pack())))
    (frame,) = FrameReader().feed(board.feed(encode_frame(Frame(Type.RESET, b"", 1, SESSION))))
    assert frame is not None
    assert frame.type == Type.BYE_ACK
    board.close()
