"""`virtual://`: a real model in a process of its own, right to the last byte, and gone when nobody needs it."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from mcu.bundle import Bundle
from mcu.errors import BadInput, BoardError, BundleError, LinkError, ModelFileError, PortError, WrongModel
from mcu.protocol import Session
from mcu.tflm import TflmInterpreter
from mcu.transport import open_port
from mcu.transport.urls.protocol_virtual import virtual_url

IMAGE = (1, 8, 8, 3)


def _images(count: int) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(-128, 128, (count, *IMAGE), np.int8))


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "zombie" not in Path(f"/proc/{pid}/status").read_text()


def _gone(pid: int, *, within_s: float = 3.0) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if not _exists(pid):
            return True
        time.sleep(0.02)
    return False


def test_a_bundles_model_answers_as_it_does_without_a_link(bundle: Bundle, desk: TflmInterpreter):
    with Session.connect(open_port(virtual_url(bundle.path))) as session:
        for image in _images(50):
            inference = session.infer([image.tobytes()])
            assert inference.outputs == (desk.invoke([image])[0].tobytes(),)
            assert inference.latency_us > 0
        assert session.stats.retransmits == 0


def test_the_board_computes_its_identity_from_the_bytes_it_runs(bundle: Bundle, model: bytes):
    with Session.connect(open_port(virtual_url(bundle.path))) as session:
        identity = session.identity
        session.require_model(sha256=bundle.manifest.model_sha256, crc32=bundle.manifest.model_crc32)
        with pytest.raises(WrongModel, match="virtual runs the model"):
            session.require_model(sha256="0" * 64, crc32=0)
    assert (identity.board, identity.engine) == ("virtual", "tflm")
    assert identity.model_sha256 == hashlib.sha256(model).hexdigest()
    assert identity.model_crc32 == zlib.crc32(model)
    assert identity.model_bytes == len(model)
    assert identity.inputs == bundle.manifest.inputs
    assert identity.outputs == bundle.manifest.outputs


def test_the_arena_can_be_given(model_path: Path, desk: TflmInterpreter):
    with Session.connect(open_port(virtual_url(model_path, arena_bytes=100_000))) as session:
        assert session.identity.arena_bytes == 100_000
        (image,) = _images(1)
        assert session.infer([image.tobytes()]).outputs == (desk.invoke([image])[0].tobytes(),)


def test_an_arena_that_is_too_small_is_refused_with_what_it_takes(model_path: Path):
    with pytest.raises(BadInput, match=r"arena of 1000 bytes is too small; this model needs \d+ bytes"):
        open_port(virtual_url(model_path, arena_bytes=1000))


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("virtual://", "names no bundle"),
        ("virtual://x?speed=9", "unknown option 'speed'. There is: arena"),
        ("virtual://x?arena=-5", "arena is a number of bytes, not '-5'"),
        ("virtual://no/such.tflite", "There is no model no/such.tflite"),
    ],
)
def test_a_url_that_means_nothing_is_bad_input(url: str, says: str):
    with pytest.raises(BadInput, match=says):
        open_port(url)


def test_a_folder_that_is_no_bundle_is_refused_here_as_it_is_there(tmp_path: Path):
    with pytest.raises(BundleError, match="is not a bundle"):
        open_port(virtual_url(tmp_path))


def test_a_flipped_byte_in_the_model_is_noticed_before_the_board_starts(bundle: Bundle):
    path = bundle.path / "model.tflite"
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(BundleError, match=r"model\.tflite"):
        open_port(virtual_url(bundle.path))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path):
    (tmp_path / "text.tflite").write_text("not a model at all")
    with pytest.raises(ModelFileError):
        open_port(virtual_url(tmp_path / "text.tflite"))


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGSEGV])
def test_a_board_killed_in_the_middle_of_a_run_is_named_within_a_second(
    model_path: Path, kill: signal.Signals
):
    port = open_port(virtual_url(model_path))
    pid = port.board_pid
    assert pid is not None
    killed_at = 0.0

    def end_it() -> None:
        nonlocal killed_at
        killed_at = time.monotonic()
        os.kill(pid, kill)

    def run() -> None:
        while True:
            for image in _images(100):
                session.infer([image.tobytes()])

    with Session.connect(port) as session:
        threading.Timer(0.5, end_it).start()
        with pytest.raises(PortError, match=f"process {pid} was killed by {kill.name}"):
            run()
        assert time.monotonic() - killed_at < 1


def test_a_board_that_hangs_in_the_middle_of_a_run_does_not_hold_the_host(model_path: Path):
    port = open_port(virtual_url(model_path))
    assert port.board_pid is not None
    with Session.connect(port, silence_s=1.0) as session:
        session.infer([_images(1)[0].tobytes()])
        os.kill(port.board_pid, signal.SIGSTOP)
        begin = time.monotonic()
        with pytest.raises(LinkError, match="virtual has been silent for 1 s during inference 1"):
            session.infer([_images(1)[0].tobytes()])
        assert time.monotonic() - begin < 4
        pid = port.board_pid
    assert _gone(pid)


def test_a_board_that_dies_before_it_is_greeted_is_named(model_path: Path):
    port = open_port(virtual_url(model_path))
    assert port.board_pid is not None
    os.kill(port.board_pid, signal.SIGKILL)
    with pytest.raises(BoardError, match="was killed by SIGKILL"):
        Session.connect(port)


def test_closing_the_session_ends_the_boards_process(model_path: Path):
    port = open_port(virtual_url(model_path))
    pid = port.board_pid
    assert pid is not None
    with Session.connect(port):
        assert _exists(pid)
    assert not _exists(pid)
    assert port.board_pid is None


def _run_host(program: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE)


HOST = """
import sys
from mcu.protocol import Session
from mcu.transport import open_port
port = open_port(sys.argv[1])
with Session.connect(port) as session:
    print(port.board_pid, flush=True)
    while True:
        session.infer([bytes(spec.nbytes) for spec in session.identity.inputs])
"""


def test_the_board_does_not_outlive_a_host_that_is_killed(model_path: Path):
    host = _run_host(HOST, virtual_url(model_path))
    assert host.stdout is not None
    pid = int(host.stdout.readline())
    host.kill()
    host.communicate()
    assert _gone(pid)


@pytest.fixture
def standing_board(model_path: Path):  # type: ignore[no-untyped-def]
    """The path of the port of a board that nobody started as a child."""
    board = subprocess.Popen(
        [sys.executable, "-m", "mcu.virtual", str(model_path)], stdout=subprocess.PIPE, text=True
    )
    assert board.stdout is not None
    yield board.stdout.readline().split(" on ")[1].split(";")[0]
    board.send_signal(signal.SIGINT)
    assert board.wait(timeout=10) == 130
    board.stdout.close()


def test_a_board_of_its_own_serves_one_host_after_another(standing_board: str, desk: TflmInterpreter):
    for image in _images(3):
        with Session.connect(open_port(standing_board)) as session:
            assert session.infer([image.tobytes()]).outputs == (desk.invoke([image])[0].tobytes(),)


def test_a_second_host_is_refused_with_the_owner(standing_board: str):
    host = _run_host(HOST, standing_board)
    assert host.stdout is not None
    host.stdout.readline()
    with pytest.raises(PortError, match=f"is busy: process {host.pid} "):
        open_port(standing_board)
    host.kill()
    host.communicate()


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGKILL])
def test_a_host_that_is_interrupted_or_killed_leaves_the_board_to_the_next(
    standing_board: str, desk: TflmInterpreter, signal_: signal.Signals
):
    host = _run_host(HOST, standing_board)
    assert host.stdout is not None
    host.stdout.readline()
    time.sleep(0.2)
    host.send_signal(signal_)
    host.communicate()
    (image,) = _images(1)
    with Session.connect(open_port(standing_board)) as session:
        assert session.infer([image.tobytes()]).outputs == (desk.invoke([image])[0].tobytes(),)


def test_a_result_larger_than_the_ptys_buffer_arrives(tmp_path: Path):
    from tests.tflite_writer import Graph

    graph, shape = Graph(), (1, 128, 300)
    x = graph.input("x", shape, scale=0.1, zero_point=0)
    model = graph.build(outputs=(graph.add("RELU", (x,), "y", shape, scale=0.1, zero_point=0),))
    (tmp_path / "relu.tflite").write_bytes(model)
    image = np.random.default_rng(1).integers(-128, 128, shape, np.int8)
    with Session.connect(open_port(virtual_url(tmp_path / "relu.tflite"))) as session:
        for _ in range(5):
            assert session.infer([image.tobytes()]).outputs == (np.maximum(image, 0).tobytes(),)
        assert session.stats.retransmits == 0


def test_neither_tensorflow_nor_keras_is_loaded_on_the_host(model_path: Path):
    program = (
        "import sys\n"
        "from mcu.protocol import Session\n"
        "from mcu.transport import open_port\n"
        "with Session.connect(open_port(sys.argv[1])) as session:\n"
        "    session.infer([bytes(spec.nbytes) for spec in session.identity.inputs])\n"
        "print(sorted({'tensorflow', 'keras', 'tf_keras', 'tflite_micro'} & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, virtual_url(model_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
