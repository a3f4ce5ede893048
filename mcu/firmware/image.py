"""The flash image of a firmware as one piece of bytes, as `st-flash write` and mass-storage copies take it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mcu.firmware.builder import Firmware
from mcu.firmware.elf import Load

ERASED = b"\xff"


def flat_image(loads: Sequence[Load]) -> bytes:
    """All loads from the first one's address on; what lies between them is as erased."""
    image = b""
    for load in loads:
        gap = load.address - loads[0].address - len(image)
        image += ERASED * gap + load.data
    return image


def write_images(firmware: Firmware, folder: Path) -> Path:
    """Write firmware.elf, for debuggers, and firmware.bin, for flash; returns the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "firmware.elf").write_bytes(firmware.program.read_bytes())
    image = folder / "firmware.bin"
    image.write_bytes(flat_image(firmware.loads))
    return image
