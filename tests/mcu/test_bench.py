"""`mcu bench`: instructions per operator, counted on an emulated board, add up to those of the inference."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mcu.bench import bench
from mcu.errors import BadInput
from tests.support import require
from tests.tflite_networks import residual_network

KEYS = {"engine", "operators", "instructions", "ram_bytes", "flash_bytes"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("arm-none-eabi-gcc")
    require("qemu-system-arm")
    path = tmp_path_factory.mktemp("bench") / "residual.tflite"
    path.write_bytes(residual_network())
    return path


def test_operators_add_up_to_the_inference_and_come_out_the_same_twice(model: Path):
    first, second = bench(model), bench(model)
    assert first == second
    assert first.engine == "c"
    assert first.instructions is not None
    counted = [operator.instructions for operator in first.operators]
    assert all(count is not None and count > 0 for count in counted)
    # Beside the operators there is what the runner does between them.
    total = sum(count for count in counted if count is not None)
    assert 0.9 * first.instructions < total < 1.1 * first.instructions
    assert first.macs == sum(operator.macs for operator in first.operators) > 0
    assert first.flash_bytes is not None
    assert first.ram_bytes is not None


def test_the_command_prints_the_documented_keys(model: Path):
    command = [sys.executable, "-c", "from mcu.cli import main; main()", "bench", str(model), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) >= KEYS
    assert {"name", "macs", "instructions"} <= set(answer["operators"][0])


@pytest.mark.parametrize(("board", "hint"), [("virtual", "qemu_stm32f405"), ("nucleo_f446re", "Pass --port")])
def test_a_board_that_cannot_be_measured_without_a_port_says_so(model: Path, board: str, hint: str):
    with pytest.raises(BadInput, match="needs a port") as caught:
        bench(model, board=board)
    assert hint in str(caught.value)
