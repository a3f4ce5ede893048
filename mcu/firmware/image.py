"""The flash image of a firmware as one piece of bytes, as `st-flash write` and mass-storage copies take it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mcu.boards import Board
from mcu.firmware.builder import Firmware
from mcu.firmware.elf import Elf, Load
from mcu.firmware.esp_image import esp_image

ERASED = b"\xff"


def flat_image(loads: Sequence[Load]) -> bytes:
    """All loads from the first one's address on; what lies between them is as erased."""
    image = b""
    for load in loads:
        gap = load.address - loads[0].address - len(image)
        image += ERASED * gap + load.data
    return image


def esp_bytes(firmware: Firmware, board: Board) -> bytes:
    """The firmware as the ROM of an ESP takes it, from the place in flash where it looks for a bootloader."""
    assert board.flash.rom_id is not None
    assert board.flash_bytes is not None
    return esp_image(
        firmware.loads,
        entry=Elf.read(firmware.program).entry,
        chip_id=board.flash.rom_id,
        flash_bytes=board.flash_bytes,
    )


def write_images(firmware: Firmware, folder: Path, *, board: Board) -> Path:
    """Write firmware.elf, for debuggers, and firmware.bin, for flash; returns the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "firmware.elf").write_bytes(firmware.program.read_bytes())
    image = folder / "firmware.bin"
    is_esp = board.flash.method == "esptool"
    image.write_bytes(esp_bytes(firmware, board) if is_esp else flat_image(firmware.loads))
    return image
