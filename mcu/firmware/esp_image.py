"""An ESP image: what the ROM of an ESP32-C3 loads into RAM and starts (ESP-IDF, "App Image Format").

24 bytes of header, segments of (address, length, bytes), fill and a checksum byte up to 16, SHA-256 of it all.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from functools import reduce
from operator import xor

from mcu.errors import BadInput
from mcu.firmware.elf import Load

MAGIC, CHECKSUM_SEED = 0xE9, 0xEF
_HEADER = struct.Struct("<BBBBI")  # magic, segments, flash mode, flash size and frequency, entry
_EXTENDED = struct.Struct("<B3sHBHH4sB")  # WP pin, drive, chip, minimum and maximum revisions, hash appended
_SEGMENT = struct.Struct("<II")  # address, length
_MODE_DIO, _FREQUENCY_80M = 2, 0xF
_NO_WP_PIN, _ANY_REVISION = 0xEE, 0xFFFF
_MOST_SEGMENTS = 16
_MIB = 1 << 20


def esp_image(loads: Sequence[Load], *, entry: int, chip_id: int, flash_bytes: int) -> bytes:
    """The image of a linked program.

    Args:
        loads: segments in RAM, addresses multiples of 4.
        entry: address of the first instruction.
        chip_id: `esp_chip_id_t`; the ROM refuses an image for another chip.
        flash_bytes: of the board; a power of two, 1 to 16 MiB.

    Raises:
        BadInput: too many segments, an address that is not aligned, or a flash size that the header cannot say.
    """
    mib = flash_bytes // _MIB
    if mib not in (1, 2, 4, 8, 16) or flash_bytes % _MIB:
        raise BadInput(f"An ESP image cannot say that flash has {flash_bytes:,} bytes.")
    if not 1 <= len(loads) <= _MOST_SEGMENTS or any(load.address % 4 for load in loads):
        raise BadInput(
            f"An ESP image takes 1 to {_MOST_SEGMENTS} segments at multiples of 4; there are {len(loads)}."
        )
    size_and_frequency = (mib.bit_length() - 1) << 4 | _FREQUENCY_80M
    image = _HEADER.pack(MAGIC, len(loads), _MODE_DIO, size_and_frequency, entry)
    image += _EXTENDED.pack(_NO_WP_PIN, bytes(3), chip_id, 0, 0, _ANY_REVISION, bytes(4), 1)
    checksum = CHECKSUM_SEED
    for load in loads:
        data = load.data + bytes(-len(load.data) % 4)
        image += _SEGMENT.pack(load.address, len(data)) + data
        checksum = reduce(xor, data, checksum)
    image += bytes(15 - len(image) % 16) + bytes([checksum])
    return image + hashlib.sha256(image).digest()
