"""Whole sessions with the C device: the same facts that hold for the Python device, on clean and on bad lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mcu.errors import BadInput
from mcu.protocol import RemoteError
from mcu.protocol.control import GetStats, Log, LogLevel, Stats
from mcu.protocol.errors import ErrorClass, ParamCode
from mcu.protocol.frame import Frame, FrameReader, encode_frame
from mcu.protocol.messages import Data, Error, Feature, Fetch, Hello, Invoke, Object, Type
from mcu.protocol.profile import _HEAD, Profile, ProfileUnit
from tests.mcu.protocol.loop import SESSION, Invert, Loop, identity_of, lose_frame, make_board, noise
from tests.sketches.link.c_board import LIMITS
from tests.sketches.link.conftest import MakeBoard


def _bytes(size: int, *, seed: int = 0) -> bytes:
    return np.random.default_rng(seed).integers(-128, 128, size, np.int8).tobytes()


def test_the_board_says_who_it_is(make_c_board: MakeBoard):
    engine = Invert(inputs=(10, 20), outputs=(5,))
    with Loop(make_c_board(engine)).connect() as session:  # type: ignore[arg-type]
        assert session.identity == identity_of(engine)


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [((1,), (1,)), ((56,), (56,)), ((57, 3000, 1), (10, 300)), ((3000,), (5000, 1, 7)), ((40_000,), (10,))],
)
def test_outputs_are_those_of_the_model_for_any_shapes(
    make_c_board: MakeBoard, inputs: tuple[int, ...], outputs: tuple[int, ...]
):
    engine = Invert(inputs=inputs, outputs=outputs)
    board = make_c_board(engine)
    with Loop(board).connect() as session:  # type: ignore[arg-type]
        for seed in range(3):
            data = [_bytes(n, seed=seed) for n in inputs]
            inference = session.infer(data)
            assert inference.outputs == engine.expected(data)
            assert inference.latency_us == 500
        stats = session.stats
    assert board.invocations == 3
    assert stats.retransmits == stats.crc_errors == stats.damage_reports == 0


@pytest.mark.parametrize("seed", range(3))
def test_inputs_may_arrive_ahead_of_their_turn(make_c_board: MakeBoard, limits_name: str, seed: int):
    engine = Invert(inputs=(300, 40), outputs=(700, 3))
    board = make_c_board(engine)
    loop = Loop(board)  # type: ignore[arg-type]
    pictures = [[_bytes(300, seed=index), _bytes(40, seed=index)] for index in range(20)]
    with loop.connect() as session:
        assert bool(session.terms.features & Feature.OVERLAP) == (limits_name == "overlap")
        # Where results get lost, the next inputs are on the board before they are asked for again.
        loop.down = noise(seed=seed, flip=1e-4)
        for picture, ahead in zip(pictures, [*pictures[1:], None], strict=True):
            assert session.infer(picture, ahead=ahead).outputs == engine.expected(picture)
    assert board.invocations == len(pictures)


def test_a_repeated_invoke_is_answered_and_runs_once(make_c_board: MakeBoard):
    engine = Invert(inputs=(4,))
    board = make_c_board(engine)
    with Loop(board).connect() as session:  # type: ignore[arg-type]
        first = session.infer([b"abcd"])
        again = board.feed(encode_frame(Frame(Type.INVOKE, Invoke(1).pack(), 99, SESSION)))
    assert first.outputs[0] in again.replace(b"\0", b"")
    assert board.invocations == 1


def test_a_model_that_fails_says_why_and_the_session_lives_on(make_c_board: MakeBoard):
    engine = Invert(inputs=(4,))
    with Loop(make_c_board(engine)).connect() as session:  # type: ignore[arg-type]
        with pytest.raises(RemoteError, match="the kernel divides by zero"):
            session.infer([b"FAIL"])
        assert session.infer([b"abcd"]).outputs == engine.expected([b"abcd"])


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("index", [0, 1, 2, 5, 9, 12])
def test_any_one_frame_may_get_lost(make_c_board: MakeBoard, index: int, direction: str):
    engine = Invert(inputs=(3000, 40), outputs=(1500,))
    loop = Loop(make_c_board(engine), **{direction: lose_frame(index)})  # type: ignore[arg-type]
    data = [_bytes(3000), _bytes(40)]
    with loop.connect() as session:
        assert session.infer(data).outputs == engine.expected(data)


@pytest.mark.parametrize("seed", range(3))
def test_everything_at_once_leaves_every_result_exact(make_c_board: MakeBoard, seed: int):
    engine = Invert(inputs=(3000, 40), outputs=(700, 3))
    board = make_c_board(engine)
    with Loop(board).connect() as session:  # type: ignore[arg-type]
        port = session._link.port
        port.up = noise(seed=seed, flip=1e-5, drop=1e-4, insert=1e-4, repeat=1e-4)  # type: ignore[attr-defined]
        port.down = noise(seed=seed + 100, flip=1e-5, drop=1e-4, insert=1e-4, repeat=1e-4)  # type: ignore[attr-defined]
        for index in range(30):
            data = [_bytes(3000, seed=index), _bytes(40, seed=index)]
            assert session.infer(data).outputs == engine.expected(data)
    assert board.invocations == 30


@pytest.mark.parametrize("lost", [None, *range(4)])
def test_a_profile_has_a_number_for_each_operator_even_if_frames_get_lost(
    make_c_board: MakeBoard, lost: int | None
):
    engine = Invert(inputs=(4,))
    loop = Loop(make_c_board(engine))  # type: ignore[arg-type]
    with loop.connect() as session:
        if lost is not None:
            loop.down = lose_frame(lost)
        inference = session.infer([b"abcd"], profile=True)
    assert inference.profile == Profile(ProfileUnit.TICKS, 1_000_000, (1000, 2000, 3000))
    assert inference.outputs == engine.expected([b"abcd"])


def test_what_the_program_on_the_board_says_reaches_the_host_and_holds_nothing_up(make_c_board: MakeBoard):
    engine = Invert(inputs=(4,))
    said: list[Log] = []
    with Loop(make_c_board(engine)).connect(on_log=said.append) as session:  # type: ignore[arg-type]
        assert session.infer([b"SAYS"]).outputs == engine.expected([b"SAYS"])
        assert session.infer([b"abcd"]).outputs == engine.expected([b"abcd"])
        assert session.device_stats().logs_dropped == 0
    (log,) = said
    assert (log.level, log.text) == (
        LogLevel.WARNING,
        "about to run: a text of more than the sixty bytes that there",
    )


def test_what_nobody_asked_to_hear_is_counted(make_c_board: MakeBoard):
    board = make_c_board(Invert(inputs=(4,)))
    wire = encode_frame(Frame(Type.HELLO, Hello(1, 1, 2048, nonce=1).pack()))
    for seq, message in enumerate((Data(1, 0, 0, b"SAYS"), Invoke(1), GetStats())):
        wire += encode_frame(Frame(message.frame_type, message.pack(), seq, SESSION))
    frames = [frame for frame in FrameReader().feed(board.feed(wire)) if frame is not None]
    assert [frame.type for frame in frames] == [Type.HELLO_ACK, Type.RESULT, Type.STATS]
    assert Stats.unpack(frames[-1].payload).logs_dropped == 1


def test_without_asking_there_is_no_profile(make_c_board: MakeBoard):
    board = make_c_board(Invert(inputs=(4,)))
    with Loop(board).connect() as session:  # type: ignore[arg-type]
        assert session.infer([b"abcd"]).profile is None
        answer = board.feed(
            encode_frame(Frame(Type.FETCH, Fetch(1, Object.PROFILE, 0, 12).pack(), 9, SESSION))
        )
    (frame,) = FrameReader().feed(answer)
    assert frame is not None
    error = Error.unpack(frame.payload)
    assert (error.error_class, error.code, error.arg) == (ErrorClass.PARAM, ParamCode.NO_SUCH_OBJECT, 2)


def test_the_python_board_measures_no_operators_and_the_host_says_so():
    with Loop(make_board(Invert(inputs=(4,)))).connect() as session, pytest.raises(BadInput, match="measure"):
        session.infer([b"abcd"], profile=True)


def test_the_profile_is_described_to_the_byte():
    text = (Path(__file__).parents[3] / "docs/reference/protocol.md").read_text(encoding="utf-8")
    rows = text.split("### Profile\n")[1].split("###")[0].splitlines()
    fixed = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows if row.startswith("| ")]
    sizes = [int(cells[1]) for cells in fixed if cells[1].isdigit()]
    assert (sizes, _HEAD.format) == ([1, 1, 2, 4, 4], "<BBHII")


def test_it_sends_pings_back_and_tells_what_it_has_counted(make_c_board: MakeBoard, limits_name: str):
    board = make_c_board(Invert(inputs=(4,)))
    with Loop(board).connect() as session:  # type: ignore[arg-type]
        for size in (0, 1, LIMITS[limits_name].max_payload_bytes - 4):
            session.ping(size)
        session.infer([b"abcd"])
        board.feed(b"\0\x05\x01\0")  # past the host: it does not see the NAK
        counted = session.device_stats()
        stats = session.stats
    assert counted.frames_received == stats.frames_sent
    assert counted.frames_sent == stats.frames_received - 1 + 1  # without the STATS, with the NAK
    assert (counted.frames_damaged, counted.refused, counted.invocations) == (1, 0, 1)


@pytest.mark.parametrize("right", [True, False], ids=["as expected", "another"])
def test_outputs_cross_the_line_only_if_their_crc_is_not_the_expected_one(
    make_c_board: MakeBoard, right: bool
):
    engine = Invert(inputs=(600,), outputs=(1500, 3))
    board = make_c_board(engine)
    data = [_bytes(600)]
    outputs = engine.expected(data)
    with Loop(board).connect() as session:  # type: ignore[arg-type]
        received = session.stats.bytes_received
        answer = session.infer(data, expected=outputs if right else (bytes(1500), bytes(3)))
        assert (session.stats.bytes_received - received < 1500) == right
    assert answer.outputs == outputs
    assert answer.sent_by_board != right
    assert board.invocations == 1
