"""From an installed wheel: flash the doubles with the real clients, run what was written, write a sketch."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcu.boards import get_board
from mcu.doubles.esp32c3_machine import boot_esp32c3
from mcu.doubles.esp_rom import EspRom
from mcu.doubles.qemu_application import boot_in_qemu
from mcu.doubles.rom import RomDouble
from mcu.doubles.serve import OnPty
from mcu.doubles.stm32_rom import Stm32Rom
from tests.e2e.test_installed_wheel import Installed, installed
from tests.support import require

__all__ = ["installed"]  # the fixture
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def stm32() -> RomDouble:
    board = get_board("qemu_stm32f405")
    return Stm32Rom(board, on_go=boot_in_qemu(board.qemu_machine))


def test_an_stm32_is_flashed_validated_and_the_second_run_writes_nothing(installed: Installed):
    rom = stm32()
    with OnPty(rom) as served:
        options = ("--board", "qemu_stm32f405", "--port", served.port)
        flash = ("flash", "bundle", *options, "--method", "stm32_uart")
        first = installed.mcu(*flash)
        assert (first["ready"], first["verified"], first["skipped_bytes"]) == (True, True, 0)
        answer = installed.mcu(
            "validate", "bundle", *options, "--data", "digits", "--limit", "5", "--out", "f405"
        )
        assert (answer["samples"], answer["mismatched_bytes"]) == (5, 0)
        blocks = len(rom.flash.programmed)
        assert (installed.mcu(*flash)["wrote_bytes"], len(rom.flash.programmed)) == (0, blocks)


def test_an_esp32_c3_is_flashed_by_esptool_and_validated(installed: Installed):
    for tool in ("module:esptool", "module:unicorn", "riscv64-unknown-elf-gcc"):
        require(tool)
    rom = EspRom("ESP32-C3", on_go=boot_esp32c3())
    with OnPty(rom) as served:
        options = ("--board", "esp32_c3_devkitm", "--port", served.port)
        # A pty has no modem lines, with which esptool starts the firmware: nobody answers the first greeting.
        with pytest.raises(AssertionError, match=r"written and verified; the board is not ready"):
            installed.mcu("flash", "bundle", *options)
        served.press_reset(bootloader=False)
        blocks = rom.blocks_received
        again = installed.mcu("flash", "bundle", *options)
        assert (again["ready"], again["wrote_bytes"], rom.blocks_received) == (True, 0, blocks)
        answer = installed.mcu(
            "validate", "bundle", *options, "--data", "digits", "--limit", "5", "--out", "c3"
        )
        assert (answer["samples"], answer["mismatched_bytes"]) == (5, 0)


def test_a_sketch_is_written(installed: Installed):
    written = installed.mcu("build", "bundle", "--board", "esp32_s3_devkitc", "--sketch", "runner")
    program = installed.work / "runner" / "runner.ino"
    assert Path(written["image"]) == program
    assert program.is_file()
    assert (installed.work / "runner" / "src" / "kt_model.c").is_file()
