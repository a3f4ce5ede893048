"""The firmware as a program of this computer, with sanitizers, on a pty that it is given by name or as stdin."""

from __future__ import annotations

import os
import pty
import subprocess
import tty
from pathlib import Path

import numpy as np
import pytest

from mcu.firmware.builder import build_host_program
from mcu.firmware.gcc import SANITIZE
from mcu.protocol.session import Session
from mcu.tflm import TflmInterpreter
from mcu.transport import open_port
from tests.support import require


@pytest.mark.parametrize("given", ["name", "stdin"])
@pytest.mark.parametrize("name", ["classifier", "segmenter"])
def test_a_session_over_a_pty_is_exact_and_the_sanitizers_find_nothing(
    models: dict[str, Path], name: str, given: str
):
    require("cc")
    require("module:tflite_micro")
    model = models[name].read_bytes()
    program = build_host_program(model, flags=("-O1", *SANITIZE)).program
    desk = TflmInterpreter(model)
    board_fd, host_fd = pty.openpty()
    tty.setraw(host_fd)
    if given == "stdin":
        process = subprocess.Popen([program], stdin=board_fd, stdout=board_fd, stderr=subprocess.PIPE)
        path = os.ttyname(host_fd)
    else:
        # The board opens the named end; the other one is reached through /dev/fd.
        process = subprocess.Popen([program, os.ttyname(host_fd)], stderr=subprocess.PIPE)
        path = ""
    try:
        port = open_port(path) if path else _MasterPort(board_fd)
        with Session.connect(port) as session:
            rng = np.random.default_rng(3)
            for _ in range(10):
                inputs = [rng.integers(-128, 128, spec.shape, np.int8) for spec in desk.inputs]
                answer = session.infer([array.tobytes() for array in inputs], profile=True)
                assert answer.outputs == tuple(array.tobytes() for array in desk.invoke(inputs))
                assert answer.profile is not None
                assert sum(answer.profile.counts) > 0
        assert process.poll() is None
    finally:
        process.kill()
        _, said = process.communicate()
        os.close(host_fd)
        if given == "stdin":
            os.close(board_fd)
    assert b"Sanitizer" not in said
    assert b"runtime error" not in said


class _MasterPort:
    """The other end of a pty as a session's port."""

    name = "pty"
    line_bytes_per_s = None

    def __init__(self, fd: int):
        self._fd = fd

    def read(self, *, timeout_s: float) -> bytes:
        import select

        ready, _, _ = select.select([self._fd], [], [], max(0.0, timeout_s))
        return os.read(self._fd, 65536) if ready else b""

    def write(self, data: bytes, *, timeout_s: float) -> None:
        while data:
            data = data[os.write(self._fd, data) :]

    def close(self) -> None:
        os.close(self._fd)


def test_a_line_that_does_not_exist_is_named(models: dict[str, Path]):
    require("cc")
    program = build_host_program(models["classifier"].read_bytes()).program
    done = subprocess.run([program, "/no/such/line"], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr == "/no/such/line: No such file or directory\n"
