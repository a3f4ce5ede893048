"""A model as an image of its own, beside firmware with TensorFlow Lite Micro: a header, then the .tflite file.

Source of the layout: docs/reference/model_image.md; `kt_model_image.h` reads it on the board.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from mcu.boards import Board
from mcu.bundle import Bundle
from mcu.errors import BadInput
from mcu.firmware.model_place import model_place
from mcu.flash.image import Image, Segment
from mcu.flash.plan import STM32_FLASH_BASE

MAGIC = b"KTMD"
VERSION = 1
HEADER_BYTES = 64  # the model behind it is aligned to 16 bytes, as TensorFlow Lite Micro wants it
FILE_IDENTIFIER = b"TFL3"  # schema.fbs of TensorFlow Lite
_HEADER = struct.Struct("<4sHHIII32sII")  # … and the CRC-32 of these 60 bytes
_CRC32 = struct.Struct("<I")


@dataclass(frozen=True)
class ModelImage:
    """What a header says, and the model behind it."""

    model_bytes: bytes
    sha256: str
    arena_bytes: int


def pack(bundle: Bundle) -> bytes:
    """Header and model."""
    manifest, model = bundle.manifest, bundle.model_bytes
    arena_bytes = max(manifest.arena_bytes or 0, manifest.arena_bytes_32bit or 0)
    head = _HEADER.pack(
        MAGIC,
        VERSION,
        HEADER_BYTES,
        len(model),
        manifest.model_crc32,
        arena_bytes,
        bytes.fromhex(manifest.model_sha256),
        0,
        0,
    )
    return head + _CRC32.pack(zlib.crc32(head)) + model


def unpack(content: bytes) -> ModelImage:
    """The model at the start of `content`, which may be longer, as flash is.

    Raises:
        BadInput: no image, one of another version, or a damaged one.
    """
    if len(content) < HEADER_BYTES or content[:4] != MAGIC:
        raise BadInput("There is no model image: its first four bytes are not 'KTMD'.")
    head = content[: _HEADER.size]
    (head_crc32,) = _CRC32.unpack_from(content, _HEADER.size)
    _, version, header_bytes, size, crc32, arena_bytes, sha256, _, _ = _HEADER.unpack(head)
    if zlib.crc32(head) != head_crc32:
        raise BadInput("The model image's header is damaged: its CRC-32 is another.")
    if version != VERSION or header_bytes != HEADER_BYTES:
        raise BadInput(f"The model image is of version {version}; this is version {VERSION}.")
    model = bytes(content[HEADER_BYTES : HEADER_BYTES + size])
    if len(model) != size or zlib.crc32(model) != crc32:
        raise BadInput("The model in the image is damaged or cut short: its CRC-32 is another.")
    if size < 8 or model[4:8] != FILE_IDENTIFIER:
        raise BadInput("The image holds no .tflite file: its bytes 4 to 7 are not 'TFL3'.")
    return ModelImage(model, sha256.hex(), arena_bytes)


def build_model_image(bundle: Bundle, board: Board) -> Image:
    """See `mcu.flash.image.Builder`: the model alone. The firmware that reads it stays as it is.

    Raises:
        BadInput: the board has no such place, or the model does not fit there.
    """
    address, capacity = model_place(board)
    data = pack(bundle)
    if len(data) > capacity:
        raise BadInput(
            f"The model image of {len(data):,} bytes does not fit into the {capacity:,} bytes that "
            f"'{board.id}' has for it.",
            hint="Take a smaller model, or a board with more flash.",
        )
    start = STM32_FLASH_BASE if board.chip.startswith("STM32") else None
    return Image((Segment(address, data, "model"),), start=start, engine="tflm", model_alone=True)
