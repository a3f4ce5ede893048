"""A line that loses, damages and repeats: every result exact, every model run once."""

from __future__ import annotations

import numpy as np
import pytest

from mcu.errors import LinkError
from mcu.virtual.board import LinkLimits
from tests.mcu.protocol.loop import (
    Fault,
    Invert,
    Loop,
    lose_frame,
    make_board,
    noise,
    on_every_frame,
    on_frame,
)

SHAPES = {"inputs": (700, 40, 700), "outputs": (900,)}
LIMITS = LinkLimits(max_payload_bytes=128, window_bytes=4 * 120)
# Enough to reach past the greeting (5 frames) and over one inference of 14 DATA and 8 RESULT or CHUNK frames.
FRAMES_UP, FRAMES_DOWN = range(2, 20), range(2, 18)


def _exact(loop: Loop, engine: Invert, *, inferences: int, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    with loop.connect() as session:
        for _ in range(inferences):
            data = [rng.integers(-128, 128, spec.nbytes, np.int8).tobytes() for spec in engine.inputs]
            assert session.infer(data).outputs == engine.expected(data)
    assert engine.runs == inferences


CHANGES = {
    "lost": lambda frame: b"",
    "one bit flipped": lambda frame: frame[:5] + bytes([frame[5] ^ 0x10]) + frame[6:],
    "cut short": lambda frame: frame[: len(frame) // 2],
    "repeated": lambda frame: frame * 2,
    "joined to the next": lambda frame: frame[:-1],
    "preceded by noise": lambda frame: b"\x07\x99\x00\x12" + frame,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_any_one_frame_to_the_board_may_be_harmed(change: Fault):
    for index in FRAMES_UP:
        engine = Invert(**SHAPES)
        _exact(Loop(make_board(engine, limits=LIMITS), up=on_frame(index, change)), engine, inferences=2)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_any_one_frame_from_the_board_may_be_harmed(change: Fault):
    for index in FRAMES_DOWN:
        engine = Invert(**SHAPES)
        _exact(Loop(make_board(engine, limits=LIMITS), down=on_frame(index, change)), engine, inferences=2)


def test_a_lost_chunk_is_repaired_without_waiting_for_a_timer():
    engine = Invert(**SHAPES)
    loop = Loop(make_board(engine, limits=LIMITS), up=lose_frame(5))
    with loop.connect() as session:
        begin = loop.now_s
        session.infer([bytes(spec.nbytes) for spec in engine.inputs])
        assert session.stats.retransmits == 1
        assert loop.now_s - begin < 0.05


@pytest.mark.parametrize("index", range(8))
def test_a_damaged_answer_is_asked_for_again_without_waiting_for_a_timer(index: int):
    engine = Invert(**SHAPES)
    loop = Loop(make_board(engine, limits=LIMITS))
    with loop.connect() as session:
        loop.down = on_frame(index, lambda frame: frame[:5] + bytes([frame[5] ^ 0x10]) + frame[6:])
        begin = loop.now_s
        session.infer([bytes(spec.nbytes) for spec in engine.inputs])
        assert session.stats.crc_errors == 1
        assert loop.now_s - begin < 0.05


@pytest.mark.parametrize("rate", [1e-6, 1e-5, 1e-4])
def test_bit_errors_both_ways_leave_every_result_exact(rate: float):
    engine = Invert(inputs=(3072,), outputs=(10,))
    loop = Loop(make_board(engine), up=noise(seed=1, flip=rate), down=noise(seed=2, flip=rate))
    _exact(loop, engine, inferences=300)


@pytest.mark.parametrize("what", ["drop", "insert", "repeat"])
@pytest.mark.parametrize("seed", range(3))
def test_bytes_dropped_inserted_and_repeated_leave_every_result_exact(what: str, seed: int):
    engine = Invert(**SHAPES)
    loop = Loop(
        make_board(engine, limits=LIMITS),
        up=noise(seed=seed, **{what: 1e-3}),
        down=noise(seed=seed + 100, **{what: 1e-3}),
    )
    _exact(loop, engine, inferences=100, seed=seed)


@pytest.mark.parametrize("seed", range(5))
def test_everything_at_once_leaves_every_result_exact(seed: int):
    engine = Invert(**SHAPES)
    harm = {"flip": 1e-4, "drop": 3e-4, "insert": 3e-4, "repeat": 3e-4}
    loop = Loop(
        make_board(engine, limits=LIMITS), up=noise(seed=seed, **harm), down=noise(seed=seed + 50, **harm)
    )
    _exact(loop, engine, inferences=100, seed=seed)


def test_a_line_that_lets_nothing_useful_through_ends_in_one_error():
    engine = Invert(**SHAPES)
    loop = Loop(make_board(engine, limits=LIMITS))
    session = loop.connect(silence_s=2.0)
    loop.up = on_every_frame(lambda frame: frame[:5] + bytes([frame[5] ^ 0x10]) + frame[6:])
    with pytest.raises(LinkError, match="no progress for 2 s during inference 0: the line damages too much"):
        session.infer([bytes(spec.nbytes) for spec in engine.inputs])


def test_the_host_counts_what_it_had_to_repeat():
    engine = Invert(**SHAPES)
    loop = Loop(make_board(engine, limits=LIMITS), up=noise(seed=4, flip=1e-4), down=noise(seed=5, flip=1e-4))
    with loop.connect() as session:
        for _ in range(20):
            session.infer([bytes(spec.nbytes) for spec in engine.inputs])
        stats = session.stats
    assert stats.retransmits > 0
    assert stats.crc_errors > 0
    assert stats.damage_reports > 0
