"""`mcu flash`, `mcu ports`, `mcu doctor`: one JSON object on stdout, documented keys and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mcu.boards import get_board
from mcu.doubles.serve import OnPty
from mcu.doubles.stm32_rom import Stm32Rom
from mcu.errors import ExitCode
from tests.mcu.hil.digits_bundle import write_digits_bundle
from tests.support import require

# The commands by themselves: whether `mcu` lists them is for the test of the whole command.
RUN = """
import sys, typer
from mcu import console
from mcu.cli import doctor, flash, ports
app = typer.Typer(no_args_is_help=True)
for command in (flash, ports, doctor):
    command.register(app)
console.run(app)
"""


def mcu(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, timeout=120
    )


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("module:tflite_micro")
    return write_digits_bundle(tmp_path_factory.mktemp("bundle") / "digits").path


def test_flash_prints_the_documented_keys(bundle: Path):
    done = mcu("flash", str(bundle), "--board", "virtual", "--json")
    assert done.returncode == ExitCode.DONE, done.stderr
    answer = json.loads(done.stdout)
    keys = {"board", "port", "chip", "wrote_bytes", "skipped_bytes", "verified", "seconds", "ready"}
    assert keys <= answer.keys()
    assert (answer["board"], answer["ready"]) == ("virtual", True)


def test_flash_through_the_rom_ends_with_ready(bundle: Path):
    from mcu.doubles.qemu_application import boot_in_qemu

    require("qemu-system-arm")
    require("arm-none-eabi-gcc")
    board = get_board("qemu_stm32f405")
    with OnPty(Stm32Rom(board, on_go=boot_in_qemu(board.qemu_machine))) as served:
        options = ["--board", board.id, "--method", "stm32_uart", "--port", served.port]
        plan = mcu("flash", str(bundle), *options, "--dry-run")
        assert plan.returncode == ExitCode.DONE, plan.stderr
        assert "sector 0: 0x08000000, 16 KiB" in plan.stdout
        done = mcu("flash", str(bundle), *options)
    assert done.returncode == ExitCode.DONE, done.stderr
    assert "verified, ready in" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--board", "nucleo_f44re"], ExitCode.USAGE, "Did you mean nucleo_f446re"),
        (["--board", "nucleo_f446re", "--method", "magic"], ExitCode.USAGE, "There is no method 'magic'"),
        (
            ["--board", "blackpill_f411ce", "--port", "/dev/ttyNothing"],
            ExitCode.BOARD,
            "no port /dev/ttyNothing",
        ),
    ],
)
def test_bad_input_has_its_exit_code_and_one_line(bundle: Path, arguments: list[str], code: int, says: str):
    done = mcu("flash", str(bundle), *arguments)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_chip_is_an_error_of_the_board(bundle: Path):
    require("arm-none-eabi-gcc")
    with OnPty(Stm32Rom(get_board("nucleo_l476rg"))) as served:
        done = mcu("flash", str(bundle), "--board", "blackpill_f411ce", "--port", served.port)
    assert done.returncode == ExitCode.BOARD
    assert "ROM id 0x415" in done.stderr


def test_ports_and_doctor_print_one_json_object():
    ports = mcu("ports", "--json")
    assert ports.returncode == ExitCode.DONE
    assert "ports" in json.loads(ports.stdout)
    doctor = mcu("doctor", "--json")
    checks = json.loads(doctor.stdout)["checks"]
    assert all({"name", "ok", "detail", "fix"} <= check.keys() for check in checks)
    assert doctor.returncode == (ExitCode.DONE if all(check["ok"] for check in checks) else ExitCode.NO)
