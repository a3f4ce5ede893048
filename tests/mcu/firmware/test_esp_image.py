"""The ESP32-C3's firmware: an image that esptool accepts, at addresses that its ROM can load, with the model in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mcu.boards import get_board
from mcu.errors import BadInput
from mcu.firmware.builder import DoesNotFit, Firmware, build_firmware
from mcu.firmware.elf import Elf, Load
from mcu.firmware.esp_image import esp_image
from mcu.firmware.image import write_images
from tests.support import require

BOARD = get_board("esp32_c3_devkitm")
SRAM_AS_DATA, SRAM_AS_CODE = 0x3FC8_0000, 0x4038_0000
ROM_DATA = 0x3FCD_C710  # what the ROM itself uses while it loads lies from there on


@pytest.fixture(scope="module")
def firmware(models: dict[str, Path]) -> Firmware:
    require("riscv64-unknown-elf-gcc")
    return build_firmware(models["classifier"].read_bytes(), board=BOARD)


def image_info(path: Path) -> str:
    require("module:esptool")
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
    command = [sys.executable, "-m", "esptool", "image-info", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_esptool_accepts_the_image_of_a_model(firmware: Firmware, tmp_path: Path):
    said = image_info(write_images(firmware, tmp_path, board=BOARD))
    for words in (
        "Detected image type: ESP32-C3",
        f"Entry point: {SRAM_AS_CODE:#x}",
        "Segments: 2",
        "Flash size: 4MB",
        "Chip ID: 5 (ESP32-C3)",
    ):
        assert words in said
    assert said.count("(valid)") == 2  # checksum and hash


def test_code_and_data_share_the_ram_without_touching_each_other_or_what_the_rom_uses(firmware: Firmware):
    data, code = firmware.loads
    assert code.address == SRAM_AS_CODE
    behind_code = SRAM_AS_DATA + len(code.data)
    assert behind_code <= data.address < behind_code + 16
    assert data.address + len(data.data) < ROM_DATA
    symbols = Elf.read(firmware.program).symbols()
    assert symbols["kt_handler_stack_end"] <= symbols["kt_ram_end"] <= ROM_DATA
    assert symbols["kt_vectors"] % 256 == 0


def test_its_code_and_constants_are_counted_as_ram(firmware: Firmware):
    assert firmware.size is not None
    symbols = Elf.read(firmware.program).symbols()
    used = symbols["kt_handler_stack_end"] - SRAM_AS_DATA
    assert abs(firmware.size.ram_bytes - used) <= 512


def test_a_model_that_does_not_fit_into_the_ram_is_an_answer(models: dict[str, Path]):
    require("riscv64-unknown-elf-gcc")
    small = BOARD.model_copy(update={"ram_bytes": 16_384})
    with pytest.raises(DoesNotFit, match=r"[\d,]+ bytes of RAM too large for esp32_c3_devkitm"):
        build_firmware(models["classifier"].read_bytes(), board=small)


@pytest.mark.parametrize("chip_id", [0, 5, 9, 13])
def test_an_image_is_for_one_chip_and_a_flipped_bit_is_seen(chip_id: int, tmp_path: Path):
    loads = (Load(SRAM_AS_DATA, b"constants"), Load(SRAM_AS_CODE, bytes(range(40))))
    image = esp_image(loads, entry=SRAM_AS_CODE, chip_id=chip_id, flash_bytes=8 << 20)
    assert len(image) % 16 == 0
    assert int.from_bytes(image[12:14], "little") == chip_id
    path = tmp_path / "image.bin"
    path.write_bytes(image[:40] + bytes([image[40] ^ 1]) + image[41:])
    if chip_id == BOARD.flash.rom_id:
        assert image_info(path).count("invalid") == 2


@pytest.mark.parametrize(
    ("loads", "flash_bytes", "says"),
    [
        ((Load(0x3FC8_0002, b"x"),), 4 << 20, "multiples of 4"),
        ((), 4 << 20, "there are 0"),
        ((Load(0x3FC8_0000, b"x"),), 3 << 20, "cannot say that flash has 3,145,728 bytes"),
    ],
)
def test_what_the_format_cannot_say_is_refused(loads: tuple[Load, ...], flash_bytes: int, says: str):
    with pytest.raises(BadInput, match=says):
        esp_image(loads, entry=0x4038_0000, chip_id=5, flash_bytes=flash_bytes)
