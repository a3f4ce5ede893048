"""The next request's inputs cross the line while the model runs; nothing of the one before it is lost by that."""

from __future__ import annotations

import numpy as np
import pytest

from mcu.errors import BadInput
from mcu.protocol import Session
from mcu.protocol.frame import FrameReader
from mcu.protocol.messages import Feature, Type
from mcu.virtual.board import LinkLimits
from tests.mcu.protocol.line import Line
from tests.mcu.protocol.loop import Fault, Invert, noise

OVERLAP = LinkLimits(
    max_payload_bytes=512, window_bytes=4 * 504, features=Feature.OVERLAP | Feature.HASH_ONLY
)
WITHOUT = LinkLimits(max_payload_bytes=512, window_bytes=4 * 504)
INPUT_BYTES = 3000


def _pictures(count: int) -> list[list[bytes]]:
    rng = np.random.default_rng(1)
    return [[rng.integers(-128, 128, INPUT_BYTES, np.int8).tobytes()] for _ in range(count)]


def _line(limits: LinkLimits = OVERLAP, *, outputs: tuple[int, ...] = (10,), model_s: float = 0.05) -> Line:
    engine = Invert(inputs=(INPUT_BYTES,), outputs=outputs)
    return Line(engine, baud=921600, delay_s=0.0005, model_s=model_s, limits=limits)


def _infer_all(session: Session, pictures: list[list[bytes]]) -> list[tuple[bytes, ...]]:
    following = [*pictures[1:], None]
    return [session.infer(p, ahead=a).outputs for p, a in zip(pictures, following, strict=True)]


def _seconds(line: Line, pictures: list[list[bytes]]) -> float:
    with line.connect() as session:
        begin_s = line.now_s
        assert _infer_all(session, pictures) == [line.engine.expected(p) for p in pictures]
        assert session.stats.retransmits <= 1  # how long the model takes is not known before the first run
        seconds = line.now_s - begin_s
    assert line.engine.runs == len(pictures)
    return seconds


def test_a_window_of_the_next_input_is_on_the_board_when_the_model_has_run():
    pictures = _pictures(20)
    saved_s = (_seconds(_line(WITHOUT), pictures) - _seconds(_line(), pictures)) / (len(pictures) - 1)
    window_s = OVERLAP.window_bytes * 10 / 921600
    assert 0.9 * window_s < saved_s < 1.1 * window_s


def test_where_the_window_holds_a_whole_input_only_model_and_turn_around_are_left():
    limits = LinkLimits(max_payload_bytes=1024, window_bytes=4096, features=Feature.OVERLAP)
    pictures = _pictures(20)
    each_s = _seconds(_line(limits), pictures) / len(pictures)
    assert each_s < 0.05 + 0.005


def test_a_board_without_the_feature_gets_one_request_after_the_other():
    line = _line(WITHOUT)
    with line.connect() as session:
        _infer_all(session, _pictures(3))
        assert session.stats.frames_sent - session.stats.retransmits == _frames_of(3)


def _frames_of(inferences: int) -> int:
    connecting = 2  # HELLO, FETCH of the identity
    return connecting + inferences * (-(-INPUT_BYTES // 504) + 1)


def test_other_inputs_than_announced_are_answered_as_well():
    line, (first, announced, other) = _line(), _pictures(3)
    with line.connect() as session:
        session.infer(first, ahead=announced)
        assert session.infer(other).outputs == line.engine.expected(other)
        assert session.infer(announced).outputs == line.engine.expected(announced)
    assert line.engine.runs == 3


def test_inputs_of_another_size_cannot_be_announced():
    with _line().connect() as session, pytest.raises(BadInput, match="takes 3000 bytes, got 5"):
        session.infer(_pictures(1)[0], ahead=[bytes(5)])


def _lose_first(type_: Type) -> Fault:
    """Lose the first frame of this type; a delimiter before it is kept."""
    lost = False

    def fault(data: bytes) -> bytes:
        nonlocal lost
        frames = [frame for frame in FrameReader().feed(b"\0" + data) if frame is not None]
        if not lost and any(frame.type == type_ for frame in frames):
            lost = True
            return b""
        return data

    return fault


def test_a_result_that_was_lost_is_still_there_when_the_next_input_has_arrived():
    line, pictures = _line(), _pictures(4)
    line.down = _lose_first(Type.RESULT)
    with line.connect() as session:
        assert _infer_all(session, pictures) == [line.engine.expected(p) for p in pictures]
        assert session.stats.retransmits > 0
    assert line.engine.runs == len(pictures)


def test_outputs_in_many_chunks_are_fetched_again_beside_the_next_input():
    line, pictures = _line(outputs=(4000, 200)), _pictures(6)
    line.down = noise(seed=3, flip=1e-5)
    with line.connect() as session:
        assert _infer_all(session, pictures) == [line.engine.expected(p) for p in pictures]
        assert session.stats.crc_errors > 0
    assert line.engine.runs == len(pictures)


@pytest.mark.parametrize("seed", range(8))
def test_on_a_bad_line_every_answer_is_exact_and_every_model_runs_once(seed: int):
    line = _line(outputs=(700,), model_s=0.01)
    line.up, line.down = (
        noise(seed=seed, flip=2e-5, drop=1e-5),
        noise(seed=seed + 100, flip=2e-5, insert=1e-5),
    )
    pictures = _pictures(40)
    with line.connect() as session:
        assert _infer_all(session, pictures) == [line.engine.expected(p) for p in pictures]
        assert session.stats.retransmits > 0
    assert line.engine.runs == len(pictures)


def test_only_a_hash_is_asked_for_beside_the_next_input():
    line, pictures = _line(outputs=(4000,)), _pictures(5)
    with line.connect() as session:
        for picture, following in zip(pictures, [*pictures[1:], None], strict=True):
            answer = session.infer(picture, expected=line.engine.expected(picture), ahead=following)
            assert not answer.sent_by_board
            assert answer.outputs == line.engine.expected(picture)
    assert line.engine.runs == len(pictures)
