"""MLPerf Tiny's protocol in C: the vectors, and the same answers as the Python device to whatever arrives."""

from __future__ import annotations

import itertools
import random
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mcu.firmware.gcc import SANITIZE, TARGETS, compile_objects, link, section_bytes
from mcu.protocol.frame import Frame, FrameReader, encode_frame
from mcu.protocol.messages import Bye, Data, Hello, Invoke, Message
from mcu.protocol.mlperf_model import MlperfModel
from mcu.protocol.mlperf_tiny import MlperfTiny
from mcu.virtual.shared_line import SharedLine
from tests.mcu.protocol.loop import SESSION, identity_of, make_board
from tests.mcu.protocol.mlperf import MODEL_ID, SESSIONS, VectorModel, hold, lines_of
from tests.sketches.link.c_board import DEVICE, HERE, LIBRARY, LIMITS
from tests.support import require

LIMIT = LIMITS["768"]
OURS = ("kt_mlperf", "kt_mlperf_commands", "kt_text")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("cc")
    folder = tmp_path_factory.mktemp("mlperf")
    flags = ("-O1", *SANITIZE, f"-I{LIBRARY}", "-DKT_MLPERF", f"-DKT_LINK_WINDOW={LIMIT.window_bytes}U")
    sources = [HERE / "mlperf_board.c", *(LIBRARY / f"{name}.c" for name in (*DEVICE, *OURS))]
    objects = compile_objects(TARGETS["host"], sources, out_dir=folder, flags=flags)
    return link(TARGETS["host"], objects, made=folder / "mlperf_board", flags=flags)


@pytest.fixture
def feed(program: Path) -> Iterator[Callable[[bytes], bytes]]:
    """The C device; at the end of the test it must have run without a sanitizer's complaint."""
    engine = VectorModel()
    outputs = [f"{spec.nbytes}:{_bits(spec.scale)}:{spec.zero_point}" for spec in engine.outputs]
    arguments = [str(SESSION), identity_of(engine).pack().hex(), MODEL_ID, str(0x80)]
    process = subprocess.Popen(
        [program, *arguments, str(engine.inputs[0].nbytes), *outputs],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def feed(data: bytes) -> bytes:
        process.stdin.write(struct.pack("=I", len(data)) + data)  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        head = process.stdout.read(8)  # type: ignore[union-attr]
        if len(head) != 8:
            raise AssertionError(process.stderr.read().decode())  # type: ignore[union-attr]
        return process.stdout.read(struct.unpack("=II", head)[0])  # type: ignore[union-attr]

    yield feed
    _, said = process.communicate()
    assert process.returncode == 0, said.decode()


def _bits(scale: float) -> int:
    return int(np.float32(scale).view(np.uint32))


@pytest.mark.parametrize("name", SESSIONS)
def test_every_exchange_is_that_of_the_vectors(feed: Callable[[bytes], bytes], name: str):
    hold(feed, SESSIONS[name])


def test_real_values_are_those_of_printf(program: Path):
    rng = random.Random(5)
    scales = [1.0, 0.5, 1 / 256, 1 / 128, 0.1, 0.0005, 0.0015, 1e-6, 3.1415927, 1234.567, 1e6, 1e-40, 0.0]
    scales += [10 ** rng.uniform(-6, 3) for _ in range(3000)]
    cases = [(rng.randint(-255, 255), np.float32(scale)) for scale in scales for _ in range(3)]
    cases += [(steps, np.float32(2**-k)) for steps in range(-255, 256, 5) for k in range(14)]  # ties
    sent = "".join(f"{steps} {_bits(scale)}\n" for steps, scale in cases)
    done = subprocess.run([program], input=sent, capture_output=True, text=True, check=True)
    expected = [f"{float(np.float32(steps) * scale):.3f}" for steps, scale in cases]
    assert done.stdout.split() == expected


def _piece(rng: random.Random) -> bytes:
    """What could arrive: commands, half ones, wrong ones, frames of a session, noise, zeros."""
    kind = rng.randrange(10)
    if kind < 5:
        words = [b"db", b"load", b"print", b"infer", b"results", b"name", b"20", b"0", b"21", b"3", b"-1"]
        words += [b"a1" * rng.randrange(14), b"zz", b"x" * rng.randrange(90), b""]
        return b" ".join(rng.choices(words, k=rng.randrange(1, 4))) + rng.choice([b"%", b"%", b""])
    if kind == 5:
        return b"db load 20%db " + rng.randbytes(20).hex().encode() + b"%infer 2 1%"
    if kind == 6:
        return rng.randbytes(rng.randrange(40))
    if kind == 7:
        return bytes(rng.randrange(3))
    messages: list[Message] = [
        Hello(1, 1, 2048, nonce=rng.randrange(3)),
        Bye(),
        Data(1, 0, 0, rng.randbytes(20)),
    ]
    messages += [Invoke(1)]
    message = rng.choice(messages)
    return encode_frame(Frame(message.frame_type, message.pack(), 0, SESSION))


@pytest.mark.parametrize("seed", range(8))
def test_whatever_arrives_gets_the_answer_of_the_python_device(feed: Callable[[bytes], bytes], seed: int):
    rng = random.Random(seed)
    engine = VectorModel()
    text = MlperfTiny(engine, model=MlperfModel(MODEL_ID), clock_ns=itertools.count(0, 500_000).__next__)
    line = SharedLine(make_board(engine, limits=LIMIT), text)
    for _ in range(400):
        piece = _piece(rng)
        assert _comparable(feed(piece)) == _comparable(line.feed(piece)), piece


def _comparable(answer: bytes) -> list[object]:
    """Answers without what may differ: the time in laps, the text and time of frames."""
    stretches: list[object] = []
    for stretch in answer.split(b"\0"):
        if stretch.startswith((b"m-", b"e-", b"name,")):
            stretches.append(lines_of(stretch))
        elif stretch:
            (frame,) = FrameReader().feed(b"\0" + stretch + b"\0")
            assert frame is not None
            stretches.append((frame.type, frame.seq, frame.session, frame.payload[:4]))
    return stretches


def test_firmware_without_it_has_not_a_byte_of_it(tmp_path: Path):
    require("arm-none-eabi-gcc")
    target = TARGETS["cortex_m4"]
    sources = [LIBRARY / f"{name}.c" for name in OURS]
    without = compile_objects(target, sources, out_dir=tmp_path / "without", flags=("-Os", f"-I{LIBRARY}"))
    assert sum(section_bytes(target, each).text for each in without) == 0
    flags = ("-Os", f"-I{LIBRARY}", "-DKT_MLPERF")
    with_it = compile_objects(target, sources, out_dir=tmp_path / "with", flags=flags)
    assert 0 < sum(section_bytes(target, each).text for each in with_it) <= 3584
