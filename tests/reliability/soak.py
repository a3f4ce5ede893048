"""Rows about much and long: many frames, large tensors, a board that pauses, several boards at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from mcu.doubles.usb_cable import UsbCable
from mcu.protocol import Session
from mcu.transport import open_port
from tests.mcu.protocol.loop import Invert, make_board
from tests.reliability.row import Outcome
from tests.tflite_writer import Graph

FRAME_BYTES = 3072
_SEEDS = 3
_BAUD = 921_600
_BOARDS = 4


def soak(frames: int) -> Outcome:
    """Inferences of 3,072 bytes on a virtual board's pty, three seeds: every byte, and what the board's memory does."""
    exact, growth = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        url = f"virtual://{relu(Path(folder), FRAME_BYTES)}"
        for seed in range(_SEEDS):
            rng = np.random.default_rng(seed)
            with Session.connect(port := open_port(url)) as session:
                assert port.board_pid is not None
                warm = min(200, frames // 2)
                for number in range(frames):
                    image = rng.integers(-128, 128, FRAME_BYTES, np.int8)
                    exact += session.infer([image.tobytes()]).outputs == (np.maximum(image, 0).tobytes(),)
                    if number == warm:
                        before = _memory(port.board_pid) + _memory(os.getpid())
                growth = max(growth, _memory(port.board_pid) + _memory(os.getpid()) - before)
                again = session.stats.retransmits
    seen = f"{exact:,} of {_SEEDS * frames:,} exact, {again} frames again; memory of both grew by {growth / 1e6:.1f} MB"
    return Outcome(exact == _SEEDS * frames and growth < 5e6, seen)


def larger_than_the_pty(inferences: int) -> Outcome:
    """Tensors of 200,000 bytes there and back: a pty holds 18,432 of them, and nobody waits for the other."""
    size = 200_000
    with tempfile.TemporaryDirectory() as folder:
        rng, exact = np.random.default_rng(0), 0
        with Session.connect(open_port(f"virtual://{relu(Path(folder), size)}")) as session:
            for _ in range(inferences):
                image = rng.integers(-128, 128, size, np.int8)
                exact += session.infer([image.tobytes()]).outputs == (np.maximum(image, 0).tobytes(),)
    return Outcome(exact == inferences, f"{exact:,} of {inferences:,} exact")


def pause(seconds: int) -> Outcome:
    """A board that stands still for so long in the middle of a transfer, then goes on."""
    with tempfile.TemporaryDirectory() as folder:
        size = 200_000
        port = open_port(f"virtual://{relu(Path(folder), size)}?faults=baud:921600")
        pid = port.board_pid
        assert pid is not None
        with Session.connect(port) as session:
            image = np.random.default_rng(0).integers(-128, 128, size, np.int8)
            timers = [threading.Timer(0.5, os.kill, [pid, signal.SIGSTOP])]
            timers.append(threading.Timer(0.5 + seconds, os.kill, [pid, signal.SIGCONT]))
            for timer in timers:
                timer.start()
            exact = session.infer([image.tobytes()]).outputs == (np.maximum(image, 0).tobytes(),)
            for timer in timers:
                timer.join()
            overruns = session.device_stats().overruns
            exact &= session.infer([image.tobytes()]).outputs == (np.maximum(image, 0).tobytes(),)
    return Outcome(
        exact and not overruns, f"{'exact' if exact else 'wrong'} after {seconds} s, {overruns} overruns"
    )


def boards_at_once(seconds: int) -> Outcome:
    """Four boards on lines of 921,600 baud, a process each, against one of them alone."""
    (alone,) = _rates(1, seconds=max(1, seconds // 4))
    rates = _rates(_BOARDS, seconds=seconds)
    ratio = sum(rates) / alone
    seen = f"{ratio:.2f} times one board's {alone / 1e3:.1f} kB/s; every answer of all four exact"
    return Outcome(True, seen, in_time=ratio >= 3.8)


def _rates(boards: int, *, seconds: float) -> list[float]:
    """Tensor bytes per second of boards that run at the same time."""
    command = [sys.executable, "-m", "tests.reliability.soak", str(seconds)]
    hosts = [
        subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, text=True) for seed in range(boards)
    ]
    said = [host.communicate()[0] for host in hosts]
    assert all(host.returncode == 0 for host in hosts)
    return [float(line) for line in said]


def one_of_the_boards(seconds: float, seed: int) -> float:
    """In a process of its own: tensor bytes per second, every answer checked, no two boards with the same data."""
    engine = Invert(inputs=(FRAME_BYTES,), outputs=(10,))
    rng, done = random.Random(seed), 0
    with (
        tempfile.TemporaryDirectory() as folder,
        UsbCable(lambda: make_board(engine), link=Path(folder) / "board") as cable,
        Session.connect(open_port(f"{cable.port}?faults=baud:{_BAUD}")) as session,
    ):
        begin_s = time.monotonic()
        while time.monotonic() < begin_s + seconds:
            data = [rng.randbytes(FRAME_BYTES)]
            assert session.infer(data).outputs == engine.expected(data)
            done += FRAME_BYTES + 10
        return done / (time.monotonic() - begin_s)


def relu(folder: Path, size: int) -> Path:
    """A model that answers max(x, 0) for every byte."""
    graph, shape = Graph(), (1, size)
    x = graph.input("x", shape, scale=0.1, zero_point=0)
    path = folder / f"relu_{size}.tflite"
    path.write_bytes(graph.build(outputs=(graph.add("RELU", (x,), "y", shape, scale=0.1, zero_point=0),)))
    return path


def _memory(pid: int) -> int:
    """Bytes of a process in RAM."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    print(one_of_the_boards(float(sys.argv[1]), int(sys.argv[2])))
