"""`mcu build`: what it prints and writes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import require


def _mcu(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    import os

    environment = {**os.environ, **({"PATH": path} if path is not None else {})}
    command = [sys.executable, "-c", "from mcu.cli import main; main()", "build", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture(scope="module")
def model(models: dict[str, Path]) -> str:
    require("arm-none-eabi-gcc")
    return str(models["classifier"])


def test_json_names_the_image_its_sizes_and_the_engine(model: str, tmp_path: Path):
    done = _mcu(model, "--json", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    image = Path(answer["image"])
    assert answer["engine"] == "c"
    assert abs(image.stat().st_size - answer["flash_bytes"]) <= 64
    assert answer["ram_bytes"] == sum(part["ram_bytes"] for part in answer["parts"].values()) < 16384
    assert (image.parent / "firmware.elf").read_bytes()[:4] == b"\x7fELF"


def test_emit_writes_c_that_compiles_from_its_list_alone(model: str, tmp_path: Path):
    require("cc")
    assert _mcu(model, "--emit", str(tmp_path / "c")).returncode == 0
    sources = (tmp_path / "c" / "sources.txt").read_text().split()
    command = ["cc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-c", *sources]
    assert subprocess.run(command, cwd=tmp_path / "c", check=False).returncode == 0


def test_a_missing_toolchain_ends_with_4_and_the_line_that_installs_it(model: str):
    done = _mcu(model, path="")
    assert done.returncode == 4
    assert "apt-get install gcc-arm-none-eabi" in done.stderr


@pytest.mark.parametrize("arguments", [["no/such/bundle"], ["no.tflite"]])
def test_bad_input_ends_with_2_and_one_error(arguments: list[str]):
    done = _mcu(*arguments)
    assert done.returncode == 2
    assert done.stderr.count("error:") == 1


@pytest.mark.parametrize(
    "arguments", [["--engine", "tflm"], ["--arena-bytes", "9000"], ["--sketch-kind", "camera_demo"]]
)
def test_what_is_for_a_sketch_is_not_dropped_in_silence(arguments: list[str]):
    done = _mcu("no.tflite", *arguments)
    assert done.returncode == 2
    assert "--sketch DIR" in done.stderr
