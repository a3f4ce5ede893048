"""qemu://: what it takes, and what is said when it, or QEMU itself, does not do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mcu.errors import BadInput, MissingExtra, PortError
from mcu.protocol.messages import Feature
from mcu.protocol.session import Session
from mcu.tflm import TflmInterpreter
from mcu.transport import open_port
from mcu.transport.qemu import QemuProcess
from mcu.transport.urls.protocol_qemu import qemu_url
from tests.support import require


@pytest.fixture
def url(models: dict[str, Path]) -> str:
    require("arm-none-eabi-gcc")
    require("qemu-system-arm")
    return qemu_url(models["classifier"])


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("qemu://", "names no model"),
        ("qemu://x.tflite?speed=3", "unknown option 'speed'"),
        ("qemu://x.tflite?overlap=perhaps", "value 'perhaps'"),
        ("qemu://x.tflite", "no model x.tflite"),
        ("qemu://x.elf", "no firmware x.elf"),
        ("qemu://x.tflite?board=nucleo_f446re", "no machine for the board 'nucleo_f446re'"),
        ("qemu://x.tflite?board=qemu_stm32f40", "no board named 'qemu_stm32f40'"),
    ],
)
def test_what_cannot_be_opened_is_named(url: str, says: str):
    with pytest.raises(BadInput, match=says):
        open_port(url)


def test_inputs_that_arrive_ahead_change_no_answer_and_no_count(models: dict[str, Path]):
    require("arm-none-eabi-gcc")
    require("qemu-system-arm")
    path = models["classifier"]
    desk = TflmInterpreter(path.read_bytes())
    rng = np.random.default_rng(0)
    pictures = [rng.integers(-128, 128, desk.inputs[0].shape, np.int8) for _ in range(6)]
    counts = {}
    for overlap in ("off", "on"):
        with Session.connect(open_port(f"{qemu_url(path)}&overlap={overlap}")) as session:
            assert bool(session.terms.features & Feature.OVERLAP) == (overlap == "on")
            for picture, following in zip(pictures, [*pictures[1:], None], strict=True):
                ahead = None if following is None else [following.tobytes()]
                answer = session.infer([picture.tobytes()], ahead=ahead)
                (expected,) = desk.invoke([picture])
                assert answer.outputs == (expected.tobytes(),)
                counts.setdefault(overlap, []).append(answer.instructions)
            assert session.device_stats().invocations == len(pictures)
    assert counts["on"] == counts["off"]


def test_a_qemu_that_is_killed_is_a_port_that_went_away_with_the_reason(url: str):
    session = Session.connect(open_port(url))
    os.kill(_qemu_pid(session), signal.SIGKILL)
    with pytest.raises(PortError, match="QEMU was killed by SIGKILL"):
        session.infer([bytes(192)])
    session.close()


def test_a_program_that_qemu_cannot_run_is_named_with_what_qemu_says(tmp_path: Path):
    require("qemu-system-arm")
    broken = tmp_path / "broken.elf"
    broken.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(200))
    with (
        open_port(qemu_url(broken)) as port,
        pytest.raises(PortError, match="QEMU was killed by SIGABRT: qemu: fatal: Lockup"),
    ):
        port.read(timeout_s=10)


def test_a_qemu_that_is_not_installed_is_named_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingExtra, match="apt-get install qemu-system-arm"):
        QemuProcess(tmp_path / "x.elf", machine="netduinoplus2")


def test_qemu_ends_with_the_port(url: str):
    session = Session.connect(open_port(url))
    pid = _qemu_pid(session)
    session.close()
    assert _is_gone(pid)


def test_qemu_ends_with_a_host_that_is_killed(url: str):
    program = (
        "import sys, time; from mcu.protocol.session import Session; from mcu.transport import open_port\n"
        "session = Session.connect(open_port(sys.argv[1]))\n"
        "print(session._link.port.board_pid, flush=True); time.sleep(60)"
    )
    host = subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    pid = _child_of(int(host.stdout.readline()))
    host.kill()
    host.communicate()
    assert _is_gone(pid)


def _qemu_pid(session: Session) -> int:
    holder = session._link.port.board_pid  # type: ignore[attr-defined]
    return _child_of(holder)


def _child_of(pid: int) -> int:
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True
    )
    return int(next(line for line in found.stdout.split()))


def _is_gone(pid: int) -> bool:
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
