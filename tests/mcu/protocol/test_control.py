"""Asking the board what is no inference: echo and counters, on clean and on bad lines."""

from __future__ import annotations

import pytest

from mcu.errors import BadInput, LinkError
from mcu.protocol import BoardReset, RemoteError
from mcu.protocol.control import Log, LogLevel
from mcu.protocol.frame import Frame, encode_frame
from mcu.protocol.messages import Error, Type
from mcu.virtual.board import LinkLimits
from tests.mcu.protocol.loop import SESSION, Invert, Loop, lose_frame, make_board, noise

TINY = LinkLimits(max_payload_bytes=64, window_bytes=112)


def test_a_ping_takes_one_round_trip():
    loop = Loop(make_board(Invert()))
    with loop.connect() as session:
        assert session.ping() == pytest.approx(1e-4)
        assert session.ping(1000) == pytest.approx(1e-4)
        assert session.stats.frames_received == 2 + 2


def test_a_ping_carries_up_to_a_whole_frame():
    with Loop(make_board(Invert(), limits=TINY)).connect() as session:
        session.ping(60)
        with pytest.raises(BadInput, match="0 to 60 more bytes here, not 61"):
            session.ping(61)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_ping_that_gets_lost_is_sent_again(direction: str):
    loop = Loop(make_board(Invert()))
    with loop.connect() as session:
        setattr(loop, direction, lose_frame(0))
        assert session.ping() > 0.01
        assert session.device_stats().frames_received > 0


def test_a_late_answer_to_one_ping_is_not_taken_for_that_to_the_next():
    loop = Loop(make_board(Invert()))
    with loop.connect() as session:
        session.ping()
        loop.inject(encode_frame(Frame(Type.PONG, b"\x01\x00\x00\x00", 9, SESSION)))
        loop.down = lambda data: b""
        with pytest.raises(LinkError, match="no answer to PING for 10 s"):
            session.ping()


def test_pings_come_through_a_line_that_damages_frames():
    loop = Loop(make_board(Invert()), up=noise(seed=1, flip=1e-5), down=noise(seed=2, flip=1e-5))
    with loop.connect() as session:
        for _ in range(100):
            session.ping(1000)
        assert session.stats.crc_errors > 0


def test_the_board_tells_what_it_has_counted():
    engine = Invert(inputs=(4,))
    loop = Loop(make_board(engine))
    with loop.connect() as session:
        session.infer([b"abcd"])
        loop.board.feed(b"\0\x05\x01\0" + encode_frame(Frame(Type.READ_TENSOR, b"", 7, SESSION)))
        counted = session.device_stats()
    assert counted.frames_received == 2 + 2 + 1 + 1  # HELLO, FETCH, DATA, INVOKE, the refused one, GET_STATS
    assert counted.frames_damaged == 1
    assert counted.frames_sent == 2 + 1 + 2  # HELLO_ACK, CHUNK, RESULT, NAK, ERROR
    assert (counted.refused, counted.invocations, counted.overruns) == (1, 1, 0)


def test_the_counters_outlive_the_connection():
    loop = Loop(make_board(Invert(inputs=(4,))))
    with loop.connect() as session:
        session.infer([b"abcd"])
    loop.closed = False
    with loop.connect() as session:
        assert session.device_stats().invocations == 1


def test_a_board_that_starts_again_is_noticed_by_a_ping():
    loop = Loop(make_board(Invert()))
    session = loop.connect()
    loop.board = make_board(Invert(), session=SESSION + 1)
    with pytest.raises(BoardReset):
        session.ping()


def test_firmware_from_before_there_was_ping_says_that_it_has_none():
    loop = Loop(make_board(Invert()))
    with loop.connect() as session:
        refusal = Error(2, 2, 0, Type.PING, b"no such type")
        loop.down = lambda data: encode_frame(Frame(Type.ERROR, refusal.pack(), 9, SESSION))
        with pytest.raises(RemoteError, match="PROTOCOL 2"):
            session.ping()
        loop.down = lambda data: data


def test_a_board_that_is_reset_starts_again_and_a_repetition_does_not_do_it_twice():
    loop = Loop(make_board(Invert(inputs=(4,))))
    session = loop.connect()
    session.reset()
    assert loop.board.wants_reset
    assert loop.board.feed(encode_frame(Frame(Type.PING, b"", 9, SESSION))) == b""
    loop.board = make_board(Invert(inputs=(4,)), session=SESSION + 1)
    session.reset()
    assert not loop.board.wants_reset
    session.close()
    loop.closed = False
    with loop.connect() as again:
        assert again.infer([b"abcd"]).outputs == Invert(inputs=(4,)).expected([b"abcd"])


def test_a_reset_whose_answer_gets_lost_is_noticed_by_the_new_session():
    loop = Loop(make_board(Invert()))
    session = loop.connect()

    def restart(data: bytes) -> bytes:
        if loop.board.wants_reset:
            loop.board = make_board(Invert(), session=SESSION + 1)
            return b""
        return data

    loop.down = restart
    session.reset()
    session.close()


def test_a_board_that_does_not_answer_to_reset_is_named():
    loop = Loop(make_board(Invert()))
    session = loop.connect(silence_s=2)
    loop.dead = True
    with pytest.raises(LinkError, match="no answer to RESET for 2 s"):
        session.reset()
    session.close()


def test_what_the_board_says_reaches_the_host_between_two_answers():
    said: list[Log] = []
    loop = Loop(make_board(Invert(inputs=(4,))))
    with loop.connect(on_log=said.append) as session:
        loop.board.log(LogLevel.INFO, "fünf")
        loop.board.log(LogLevel.ERROR, "x" * 70)
        session.ping()
        assert [(log.level, log.text) for log in said] == [
            (LogLevel.INFO, "fünf"),
            (LogLevel.ERROR, "x" * 60),
        ]
        assert session.device_stats().logs_dropped == 0


def test_without_a_listener_it_goes_to_the_logger_of_the_board(caplog: pytest.LogCaptureFixture):
    loop = Loop(make_board(Invert(inputs=(4,))))
    with caplog.at_level("DEBUG", logger="mcu.board"), loop.connect() as session:
        loop.board.log(LogLevel.DEBUG, "so far, so good")
        loop.board.log(9, "a level of later")  # type: ignore[arg-type]
        session.ping()
    assert [(r.levelname, r.message) for r in caplog.records] == [
        ("DEBUG", "so far, so good"),
        ("INFO", "a level of later"),
    ]


def test_what_is_said_to_nobody_is_counted():
    board = make_board(Invert(inputs=(4,)))
    board.log(LogLevel.INFO, "is anybody there?")
    with Loop(board).connect() as session:
        assert session.device_stats().logs_dropped == 1
