"""Rows about a bad line: every result exact, whatever it does, and how much gets through."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from mcu.errors import LinkError
from mcu.protocol import LinkStats
from mcu.protocol.frame import Frame, FrameReader, encode_frame
from mcu.protocol.messages import Invoke, Result, Type
from mcu.transport.faults import Faults
from mcu.virtual.board import LinkLimits
from tests.mcu.protocol.loop import SESSION, Invert, Loop, make_board
from tests.reliability.paced import BYTES_PER_S, PacedLine
from tests.reliability.row import Outcome

TENSOR_BYTES = 3072
# Share of the raw line rate, at this rate of bit errors.
GOODPUT = {1e-6: 0.90, 1e-5: 0.80, 1e-4: 0.15}


def bit_errors(rate: float, inferences: int) -> Outcome:
    """Inferences over the paced line with this rate of bit errors, both ways."""
    engine = Invert(inputs=(TENSOR_BYTES,), outputs=(10,))
    line = PacedLine(engine, Faults(flip=rate, seed=1))
    exact, share, stats = _infer(line, engine, inferences)
    seen = f"{exact:,} of {inferences:,} exact; goodput {share:.1%} of the line rate"
    seen += f", {stats.retransmits:,} frames again"
    return Outcome(exact == inferences == engine.runs and share >= GOODPUT[rate], seen)


def bytes_lost_and_added(inferences: int) -> Outcome:
    """Each of drop, insert and duplicate at 1e-3, then all three."""
    told, holds = [], True
    cases = (
        {"drop": 1e-3},
        {"insert": 1e-3},
        {"duplicate": 1e-3},
        dict.fromkeys(("drop", "insert", "duplicate"), 1e-3),
    )
    for case in cases:
        engine = Invert(inputs=(TENSOR_BYTES,), outputs=(10,))
        limits = LinkLimits(max_payload_bytes=256, window_bytes=4096)
        line = PacedLine(engine, Faults(**case, seed=2), limits=limits)
        exact, share, _ = _infer(line, engine, inferences)
        told.append(f"{'+'.join(case)} {exact:,} of {inferences:,} exact, {share:.0%}")
        holds &= exact == inferences == engine.runs
    return Outcome(holds, "; ".join(told))


def bursts(count: int) -> Outcome:
    """1 to 4096 random bytes, into any place of an inference, up or down: how much later it is done."""
    rng = random.Random(3)
    engine = Invert(inputs=(TENSOR_BYTES,), outputs=(1500,))
    line = PacedLine(engine)
    session = line.connect()
    data = [rng.randbytes(TENSOR_BYTES)]
    expected = engine.expected(data)
    begin_s = line.now_s
    session.infer(data)
    clean_s, worst_s, wrong = line.now_s - begin_s, 0.0, 0
    for _ in range(count):
        way = rng.randrange(2)
        before = line.harm[way]
        place = rng.randrange((TENSOR_BYTES, 1500)[way])
        line.harm[way] = _burst(rng.randbytes(rng.randint(1, 4096)), place)
        begin_s = line.now_s
        wrong += session.infer(data).outputs != expected
        worst_s = max(worst_s, line.now_s - begin_s - clean_s)
        line.harm[way] = before
    session.close()
    return Outcome(
        not wrong and worst_s <= 0.25,
        f"{count - wrong:,} of {count:,} exact; at most {1e3 * worst_s:.0f} ms later, the noise included",
    )


def _burst(noise: bytes, place: int) -> Callable[[bytes], bytes]:
    """Puts the noise before the byte of this number."""
    passed = 0

    def harm(piece: bytes) -> bytes:
        nonlocal passed
        at, passed = place - passed, passed + len(piece)
        return piece[:at] + noise + piece[at:] if 0 <= at < len(piece) else piece

    return harm


def hang(count: int) -> Outcome:
    """A board that answers no more, in the middle of an inference: how long until the error, on its own clock."""
    worst_s, named = 0.0, 0
    for seed in range(count):
        engine = Invert(inputs=(TENSOR_BYTES,))
        loop = Loop(make_board(engine))
        session = loop.connect()
        session.infer([bytes(TENSOR_BYTES)])
        loop.up = _dies_after(random.Random(seed).randrange(1, 4), loop)
        begin_s = loop.now_s
        try:
            while True:
                session.infer([bytes(TENSOR_BYTES)])
        except LinkError as error:
            named += (
                "has been silent for 10 s during inference" in error.message
                and "Reset the board" in error.hint
            )
        worst_s = max(worst_s, loop.now_s - begin_s)
    return Outcome(named == count and worst_s <= 10.1, f"{named} of {count} named; at most {worst_s:.1f} s")


def _dies_after(writes: int, loop: Loop) -> Callable[[bytes], bytes]:
    left: Iterator[int] = iter(range(writes))

    def up(data: bytes) -> bytes:
        loop.dead = next(left, None) is None
        return b"" if loop.dead else data

    return up


def repeated_invoke(count: int) -> Outcome:
    """INVOKE again, once for each of the first `count` requests: the model runs once for each."""
    engine = Invert(inputs=(40,))
    loop = Loop(make_board(engine))
    same = 0
    with loop.connect() as session:
        for request in range(1, count + 1):
            first = session.infer([random.Random(request).randbytes(40)])
            again = loop.board.feed(encode_frame(Frame(Type.INVOKE, Invoke(request).pack(), 9, SESSION)))
            (frame,) = FrameReader().feed(again)
            same += frame is not None and Result.unpack(frame.payload).data == first.outputs[0]
    return Outcome(
        engine.runs == same == count, f"{engine.runs:,} runs for {2 * count:,} INVOKE; {same:,} same answers"
    )


def late_answers(wraps: int) -> Outcome:
    """Answers that come one round trip late, while the number of the frame wraps."""
    engine = Invert(inputs=(3000,), outputs=(300,))
    loop = Loop(make_board(engine, limits=LinkLimits(max_payload_bytes=64, window_bytes=448)))
    rng = random.Random(4)
    held: list[bytes] = []

    def late(data: bytes) -> bytes:
        before, held[:] = b"".join(held), []
        if data and rng.random() < 0.05:
            held.append(data)
            return before
        return before + data

    inferences = wrong = 0
    with loop.connect() as session:
        loop.down = late
        session._link.next_seq = 0xF000  # the first wrap comes soon
        begin = session.stats.frames_sent
        while session.stats.frames_sent - begin < 0x1000 + (wraps - 1) * 0x10000:
            data = [rng.randbytes(3000)]
            wrong += session.infer(data).outputs != engine.expected(data)
            inferences += 1
        sent = session.stats.frames_sent - begin
    holds = wrong == 0 and engine.runs == inferences
    return Outcome(holds, f"{inferences:,} inferences exact over {sent:,} frames, {wraps} wraps")


def _infer(line: PacedLine, engine: Invert, inferences: int) -> tuple[int, float, LinkStats]:
    """How many are exact, the share of the line rate, and what was counted."""
    rng = random.Random(5)
    exact = 0
    with line.connect() as session:
        begin_s = line.now_s
        for _ in range(inferences):
            data = [rng.randbytes(TENSOR_BYTES)]
            runs = engine.runs
            exact += session.infer(data).outputs == engine.expected(data)
            assert engine.runs == runs + 1
        took_s = line.now_s - begin_s
        stats = session.stats
    return exact, stats.tensor_bytes / took_s / BYTES_PER_S, stats
