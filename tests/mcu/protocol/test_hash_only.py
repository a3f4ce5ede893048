"""Results of which only the CRC-32 comes: the bytes follow where it is another one than expected, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from mcu.errors import BadInput
from mcu.protocol import RemoteError
from mcu.protocol.messages import Feature
from mcu.virtual.board import LinkLimits
from tests.mcu.protocol.loop import Invert, Loop, lose_frame, make_board, noise

LIMITS = LinkLimits(max_payload_bytes=128, window_bytes=480)
WITHOUT = LinkLimits(max_payload_bytes=128, window_bytes=480, features=Feature(0))


def _inputs(seed: int = 0) -> list[bytes]:
    return [np.random.default_rng(seed).integers(-128, 128, 300, np.int8).tobytes()]


def _engine() -> Invert:
    return Invert(inputs=(300,), outputs=(900, 4))


def test_outputs_that_are_as_expected_do_not_cross_the_line():
    engine = _engine()
    with Loop(make_board(engine, limits=LIMITS)).connect() as session:
        received = session.stats.bytes_received
        answer = session.infer(_inputs(), expected=engine.expected(_inputs()))
        assert answer.outputs == engine.expected(_inputs())
        assert not answer.sent_by_board
        assert (
            session.stats.bytes_received - received < 24 + 16 + 3 * 38
        )  # RESULT, and an ACK per half window
        assert session.stats.tensor_bytes == 300
    assert engine.runs == 1


def test_outputs_that_are_not_as_expected_are_fetched():
    engine = _engine()
    with Loop(make_board(engine, limits=LIMITS)).connect() as session:
        wrong = tuple(bytes(len(output)) for output in engine.expected(_inputs()))
        answer = session.infer(_inputs(), expected=wrong)
        assert answer.outputs == engine.expected(_inputs())
        assert answer.sent_by_board
        assert session.stats.retransmits == 0
    assert engine.runs == 1


def test_one_bit_that_differs_in_one_output_is_seen():
    engine = _engine()
    with Loop(make_board(engine, limits=LIMITS)).connect() as session:
        first, second = engine.expected(_inputs())
        wrong = (first, bytes([second[0] ^ 1]) + second[1:])
        assert session.infer(_inputs(), expected=wrong).outputs == (first, second)


def test_a_board_without_the_feature_sends_everything():
    engine = _engine()
    with Loop(make_board(engine, limits=WITHOUT)).connect() as session:
        assert not session.terms.features
        answer = session.infer(_inputs(), expected=engine.expected(_inputs()))
        assert answer.sent_by_board
        assert answer.outputs == engine.expected(_inputs())


def test_a_model_that_fails_says_why_although_only_its_crc_was_asked_for():
    engine = _engine()
    with Loop(make_board(engine, limits=LIMITS)).connect() as session:
        expected = engine.expected(_inputs())
        engine.fails = True
        with pytest.raises(RemoteError, match="divides by zero"):
            session.infer(_inputs(), expected=expected)


def test_expected_outputs_of_another_size_are_refused():
    engine = _engine()
    with (
        Loop(make_board(engine, limits=LIMITS)).connect() as session,
        pytest.raises(BadInput, match=r"Output tensor 'out1'.*takes 4 bytes, got 3"),
    ):
        session.infer(_inputs(), expected=[bytes(900), bytes(3)])


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("index", range(12))
@pytest.mark.parametrize("right", [True, False], ids=["as expected", "another"])
def test_any_one_frame_may_get_lost(direction: str, index: int, right: bool):
    engine = _engine()
    loop = Loop(make_board(engine, limits=LIMITS))
    with loop.connect() as session:
        setattr(loop, direction, lose_frame(index))
        for seed in range(2):
            outputs = engine.expected(_inputs(seed))
            expected = outputs if right else tuple(map(bytes, map(len, outputs)))
            answer = session.infer(_inputs(seed), expected=expected)
            assert answer.outputs == outputs
            assert answer.sent_by_board != right
    assert engine.runs == 2


@pytest.mark.parametrize("seed", range(3))
def test_a_bad_line_leaves_every_result_exact(seed: int):
    engine = _engine()
    harm = {"flip": 1e-4, "drop": 3e-4, "insert": 3e-4, "repeat": 3e-4}
    loop = Loop(
        make_board(engine, limits=LIMITS), up=noise(seed=seed, **harm), down=noise(seed=seed + 50, **harm)
    )
    with loop.connect() as session:
        for index in range(100):
            outputs = engine.expected(_inputs(index))
            expected = outputs if index % 3 else tuple(map(bytes, map(len, outputs)))
            assert session.infer(_inputs(index), expected=expected).outputs == outputs
    assert engine.runs == 100
