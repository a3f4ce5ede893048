"""Sessions with a board in this process: what a person gets, on a clean line and when something is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from mcu.errors import BadInput, LinkError, WrongModel
from mcu.protocol import BoardReset, RemoteError, VersionMismatch
from mcu.protocol.frame import Frame, encode_frame
from mcu.protocol.messages import Invoke, Type
from mcu.virtual.board import LinkLimits
from tests.mcu.protocol.loop import DEFAULT_LIMITS, SESSION, Invert, Loop, identity_of, make_board

TINY = LinkLimits(max_payload_bytes=64, window_bytes=112)


def _bytes(size: int, *, seed: int = 0) -> bytes:
    return np.random.default_rng(seed).integers(-128, 128, size, np.int8).tobytes()


def _loop(engine: Invert, *, limits: LinkLimits = DEFAULT_LIMITS) -> Loop:
    return Loop(make_board(engine, limits=limits))


def test_the_board_says_who_it_is_and_which_model_it_runs():
    engine = Invert(inputs=(10, 20), outputs=(5,))
    with _loop(engine).connect() as session:
        assert session.identity == identity_of(engine)


@pytest.mark.parametrize("limits", [LinkLimits(), TINY], ids=["1024", "64"])
@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [((1,), (1,)), ((56,), (56,)), ((57, 3000, 1), (10, 300)), ((3000,), (5000, 1, 7)), ((40_000,), (10,))],
)
def test_outputs_are_those_of_the_model_for_any_shapes(
    limits: LinkLimits, inputs: tuple[int, ...], outputs: tuple[int, ...]
):
    engine = Invert(inputs=inputs, outputs=outputs)
    with _loop(engine, limits=limits).connect() as session:
        for seed in range(3):
            data = [_bytes(n, seed=seed) for n in inputs]
            assert session.infer(data).outputs == engine.expected(data)
        stats = session.stats
    assert engine.runs == 3
    assert stats.retransmits == stats.crc_errors == stats.damage_reports == 0
    assert stats.tensor_bytes == 3 * (sum(inputs) + sum(outputs))
    assert stats.inferences == 3


def test_nothing_waits_for_a_timer_on_a_clean_line():
    engine = Invert(inputs=(57, 3000, 1, 2000), outputs=(3000,))
    loop = _loop(engine, limits=TINY)
    with loop.connect() as session:
        begin = loop.now_s
        session.infer([_bytes(spec.nbytes) for spec in engine.inputs])
        assert loop.now_s - begin < 0.03  # 0.1 ms per write


def test_latency_and_instructions_are_the_boards():
    with _loop(Invert(inputs=(4,))).connect() as session:
        inference = session.infer([b"abcd"])
    assert inference.latency_us == 500
    assert inference.instructions is None


def test_the_window_is_never_exceeded():
    loop = _loop(Invert(inputs=(3000,)), limits=TINY)
    with loop.connect() as session:
        session.infer([_bytes(3000)])
    assert max(map(len, loop.written)) <= 112 / 56 * 80 + 25


def test_a_repeated_invoke_is_answered_and_runs_once():
    engine = Invert(inputs=(4,))
    loop = _loop(engine)
    with loop.connect() as session:
        first = session.infer([b"abcd"])
        again = encode_frame(Frame(Type.INVOKE, Invoke(1).pack(), 99, SESSION))
        answers = [loop.board.feed(again) for _ in range(3)]
        assert all(first.outputs[0] in answer for answer in answers)
    assert engine.runs == loop.board.invocations == 1


def test_request_numbers_wrap():
    engine = Invert(inputs=(2,), outputs=(2,))
    with _loop(engine).connect() as session:
        session._request = 0xFFFD
        for seed in range(6):
            data = [_bytes(2, seed=seed)]
            assert session.infer(data).outputs == engine.expected(data)
    assert engine.runs == 6


def test_frame_numbers_wrap():
    engine = Invert(inputs=(3000,))
    with _loop(engine, limits=TINY).connect() as session:
        session._link.next_seq = 0xFFF0
        data = [_bytes(3000)]
        assert session.infer(data).outputs == engine.expected(data)
        assert session.stats.retransmits == 0


@pytest.mark.parametrize(
    ("inputs", "says"),
    [([], "2 input tensors, got 0"), ([b"1234", b"12"], "'in1'.*takes 3 bytes, got 2")],
)
def test_inputs_of_another_shape_are_refused_before_anything_is_sent(inputs: list[bytes], says: str):
    loop = _loop(Invert(inputs=(4, 3)))
    with loop.connect() as session:
        sent = session.stats.frames_sent
        with pytest.raises(BadInput, match=says):
            session.infer(inputs)
        assert session.stats.frames_sent == sent


def test_a_model_that_fails_says_why_and_the_session_lives_on():
    engine = Invert(inputs=(4,))
    with _loop(engine).connect() as session:
        engine.fails = True
        with pytest.raises(RemoteError, match=r"KERNEL 1.*divides by zero") as caught:
            session.infer([b"abcd"])
        assert caught.value.exit_code == 3
        engine.fails = False
        assert session.infer([b"abcd"]).outputs == engine.expected([b"abcd"])


def test_another_model_is_refused_with_both_hashes():
    with _loop(Invert()).connect() as session:
        session.require_model(sha256="AB" * 32, crc32=0x12345678)
        with pytest.raises(WrongModel, match="runs the model abababababab…, not cdcdcdcdcdcd…"):
            session.require_model(sha256="cd" * 32, crc32=0x12345678)


def test_the_right_name_on_damaged_bytes_is_refused():
    with (
        _loop(Invert()).connect() as session,
        pytest.raises(WrongModel, match="12345678 instead of 12345679"),
    ):
        session.require_model(sha256="ab" * 32, crc32=0x12345679)


@pytest.mark.parametrize(("oldest", "newest", "says"), [(2, 3, "version 2 to 3"), (7, 7, "version 7")])
def test_other_protocol_versions_are_refused_with_both_named(oldest: int, newest: int, says: str):
    loop = _loop(Invert(), limits=LinkLimits(version_min=oldest, version_max=newest))
    with pytest.raises(VersionMismatch, match=f"speaks link protocol {says}, this host speaks 1"):
        loop.connect()
    assert loop.closed


def test_a_board_that_also_speaks_newer_versions_is_spoken_to_in_ours():
    engine = Invert(inputs=(4,))
    with _loop(engine, limits=LinkLimits(version_min=1, version_max=3)).connect() as session:
        assert session.terms.version == 1
        assert session.infer([b"abcd"]).outputs == engine.expected([b"abcd"])


@pytest.mark.parametrize("frames_before", range(1, 12))
def test_a_board_that_starts_again_in_the_middle_is_noticed_and_named(frames_before: int):
    engine = Invert(inputs=(300,), outputs=(300,))
    loop = _loop(engine, limits=TINY)
    session = loop.connect()
    count = 0

    def restart(data: bytes) -> bytes:
        nonlocal count
        count += 1
        if count == frames_before:
            loop.board = make_board(engine, session=SESSION + 1, limits=TINY)
            return b""
        return data

    loop.up = restart

    def run() -> None:
        for _ in range(12):
            session.infer([_bytes(300)])

    with pytest.raises(BoardReset, match=r"started again.*0x4b55 instead of 0x4b54"):
        run()
    session.close()


def test_a_silent_board_ends_in_one_error_after_the_time_allowed():
    loop = _loop(Invert())
    session = loop.connect(silence_s=3.0)
    loop.dead = True
    begin = loop.now_s
    with pytest.raises(LinkError, match="has been silent for 3 s during inference 0"):
        session.infer([_bytes(3000)])
    assert 3.0 <= round(loop.now_s - begin, 6) <= 3.1
    session.close()
    assert loop.closed


def test_an_interrupted_upload_leaves_the_board_idle_for_the_next_host():
    engine = Invert(inputs=(3000,))
    loop = _loop(engine)
    session = loop.connect()

    def interrupt(data: bytes) -> bytes:
        loop.up = lambda later: later
        loop.board.feed(data[:1500])
        raise KeyboardInterrupt

    loop.up = interrupt
    with pytest.raises(KeyboardInterrupt), session:
        session.infer([_bytes(3000)])
    assert loop.closed
    assert loop.board._nonce is None
    assert engine.runs == 0
    loop.closed = False
    with loop.connect() as again:
        assert again.infer([_bytes(3000)]).outputs == engine.expected([_bytes(3000)])


def test_a_host_that_vanished_without_a_word_does_not_disturb_the_next_one():
    engine = Invert(inputs=(3000,))
    loop = _loop(engine)
    first = loop.connect()
    first.infer([_bytes(3000)])
    loop.write(encode_frame(Frame(Type.INVOKE, Invoke(2).pack(), 9, SESSION))[:7], timeout_s=1)
    with loop.connect() as second:
        assert second.infer([_bytes(3000, seed=1)]).outputs == engine.expected([_bytes(3000, seed=1)])


def test_closing_twice_and_after_the_board_is_gone_is_quiet():
    loop = _loop(Invert())
    session = loop.connect()
    loop.dead = True
    session.close()
    session.close()
    assert loop.closed
