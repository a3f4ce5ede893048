"""The loop of an ESP32-C3 without hardware: build, flash through its ROM's double, run it, validate it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mcu.flash
from mcu.boards import get_board
from mcu.bundle import Bundle
from mcu.doubles.esp32c3_machine import Esp32C3Machine, load_image
from mcu.doubles.esp_rom import EspRom
from mcu.doubles.serve import OnPty
from mcu.errors import BoardError
from mcu.firmware.builder import build_firmware
from mcu.firmware.image import esp_bytes
from mcu.hil import validate
from mcu.protocol.session import Session
from mcu.tflm import TflmInterpreter
from mcu.transport import open_port
from tests.mcu.hil.digits_bundle import digits
from tests.support import require

BOARD = get_board("esp32_c3_devkitm")


@pytest.fixture(autouse=True)
def tools() -> None:
    for tool in ("module:unicorn", "module:esptool", "riscv64-unknown-elf-gcc"):
        require(tool)


def running(machine: Esp32C3Machine) -> OnPty:
    """A board whose ROM has handed over already."""
    rom = EspRom("ESP32-C3", on_go=lambda flash, address: machine)
    rom.start()
    return OnPty(rom)


@pytest.mark.slow  # esptool, four times; the closed loop of the STM32 is in the default run
def test_a_bundle_is_built_flashed_by_esptool_run_and_validates_bit_exactly(bundle: Bundle, tmp_path: Path):
    machines: list[Esp32C3Machine] = []

    def go(flash: bytes, address: int) -> Esp32C3Machine:
        machines.append(Esp32C3Machine(flash))
        return machines[-1]

    rom = EspRom("ESP32-C3", on_go=go)
    with OnPty(rom) as served:

        def release_the_boot_button(line: str) -> None:
            if line.endswith("greet"):
                served.press_reset(bootloader=False)

        result = mcu.flash(bundle, board=BOARD, port=served.port, note=release_the_boot_button)
        assert (result.ready, result.verified, result.chip) == (True, True, "ESP32-C3")
        run = validate(bundle, digits(), board=BOARD.id, port=served.port, limit=20, out_dir=tmp_path / "run")
        assert run.bit_exact
        assert (run.samples, run.mismatched_bytes) == (20, 0)
        blocks = rom.blocks_received
        again = mcu.flash(bundle, board=BOARD, port=served.port)
        assert (again.wrote_bytes, again.ready, rom.blocks_received) == (0, True, blocks)
    (machine,) = machines
    assert machine.watchdogs == set(), "a real chip would have been reset"
    assert (machine.starts, machine.ended_because) == (1, "")


def test_its_firmware_computes_what_tensorflow_lite_micro_computes(bundle: Bundle):
    image = esp_bytes(build_firmware(bundle.model_bytes, board=BOARD), BOARD)
    desk, rng = TflmInterpreter(bundle.model_bytes), np.random.default_rng(5)
    with running(Esp32C3Machine(image)) as served, Session.connect(open_port(served.port)) as session:
        identity = session.identity
        assert (identity.board, identity.reset_cause) == (BOARD.id, "power-on or reset button")
        for _ in range(5):
            pixels = rng.integers(-128, 128, (1, 8, 8, 1), np.int8)
            answer = session.infer([pixels.tobytes()])
            assert answer.outputs == (desk.invoke([pixels])[0].tobytes(),)


def test_the_rom_refuses_what_is_no_image_for_it(bundle: Bundle):
    image = esp_bytes(build_firmware(bundle.model_bytes, board=BOARD), BOARD)
    load_image(image)
    for at, says in (
        (0, "no image"),
        (12, "for chip"),
        (100, "checksum is wrong"),
        (31, "refuses a segment"),
    ):
        damaged = image[:at] + bytes([image[at] ^ 0x40]) + image[at + 1 :]
        with pytest.raises(BoardError, match=says):
            load_image(damaged)
    with pytest.raises(BoardError, match="hash is wrong"):
        load_image(image[:-1] + bytes([image[-1] ^ 1]))
