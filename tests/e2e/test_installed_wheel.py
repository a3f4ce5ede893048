"""Build, flash, validate and bench from an installed wheel, outside of the source tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.mcu.hil.digits_bundle import write_digits_bundle
from tests.support import require

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel in it, and an empty folder to work in."""

    python: Path
    work: Path

    def run(self, *command: str) -> str:
        """What a command prints; the source tree is not where Python looks."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment |= {"XDG_CACHE_HOME": str(self.work / "cache")}
        done = subprocess.run(
            command, cwd=self.work, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def mcu(self, *arguments: str) -> Any:
        """The JSON that a command of `mcu` answers."""
        return json.loads(self.run(str(self.python.with_name("mcu")), *arguments, "--json"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    for tool in ("module:hatchling", "module:tflite_micro", "arm-none-eabi-gcc", "qemu-system-arm", "cc"):
        require(tool)
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    offline = ("--no-deps", "--no-index")
    built = ("wheel", *offline, "--no-build-isolation", "-w", str(folder), str(ROOT))
    subprocess.run([*pip, *built], check=True)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    python = environment / "bin" / "python"
    subprocess.run([*pip, "--python", str(python), "install", *offline, str(wheel)], check=True)
    # The dependencies are those of this interpreter: nothing is downloaded. A path file is read without those in it,
    # so that an editable install of the source tree stays out of sight.
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    work = folder / "work"
    work.mkdir()
    write_digits_bundle(work / "bundle")
    return Installed(python, work)


def test_the_packages_are_those_of_the_wheel(installed: Installed):
    said = installed.run(
        str(installed.python), "-c", "import mcu, keras_tiny; print(mcu.__file__, keras_tiny.__file__)"
    )
    assert all(Path(file).is_relative_to(installed.python.parents[1]) for file in said.split())


def test_emitted_c_compiles_from_its_list(installed: Installed):
    folder = Path(installed.mcu("build", "bundle", "--emit", "model_c")["image"])
    folder = installed.work / folder
    sources = (folder / "sources.txt").read_text().split()
    subprocess.run(["cc", "-std=c99", "-Wall", "-Werror", "-c", *sources], cwd=folder, check=True)


def test_an_emulated_board_is_judged_built_flashed_validated_and_measured(installed: Installed):
    board = ("--board", "qemu_stm32f405")
    (verdict,) = installed.mcu("fits", "bundle", *board, "--engine", "c")["verdicts"]
    built = installed.mcu("build", "bundle", *board)
    assert verdict["fits"]
    assert built["flash_bytes"] <= verdict["flash_bytes"]
    assert Path(built["image"]).read_bytes()[:4] == b"\x7fELF"
    assert installed.mcu("flash", "bundle", *board)["ready"]
    answer = installed.mcu("validate", "bundle", *board, "--data", "digits", "--limit", "3", "--out", "run")
    assert (answer["samples"], answer["mismatched_bytes"]) == (3, 0)
    assert installed.mcu("bench", "bundle", *board)["instructions"] > 0
