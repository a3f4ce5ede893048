"""Which sectors an image covers, and the blocks that fill them: what is erased, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from mcu.boards import Board
from mcu.errors import BadInput
from mcu.flash.image import Image

STM32_FLASH_BASE = 0x0800_0000
BLOCK_BYTES = 256  # the most that one command of ST AN3155 carries
ALIGNMENT = 32  # the largest unit that flash programs at once: 32 bytes on STM32H7 (RM0433, 4.3.9)
ERASED = b"\xff"


@dataclass(frozen=True)
class Block:
    """At most BLOCK_BYTES bytes at an address; both multiples of ALIGNMENT. Filled up with 0xFF, as erased."""

    address: int
    data: bytes


@dataclass(frozen=True)
class SectorWrite:
    """An erase sector that the image touches.

    Attributes:
        number: in the chip's sector map.
        blocks: in ascending order; together all of the image that lies in this sector.
        image_bytes: of the image, without what fills up blocks.
    """

    number: int
    address: int
    size: int
    blocks: tuple[Block, ...]
    image_bytes: int


def plan_sectors(image: Image, board: Board) -> tuple[SectorWrite, ...]:
    """The sectors that must hold the image, ascending.

    Raises:
        BadInput: the board has no sector map, the image does not fit, or a segment is not aligned.
    """
    if not board.flash.sectors or board.flash_bytes is None:
        raise BadInput(f"The board '{board.id}' has no sector map.", hint="Add flash.sectors to its TOML.")
    _check_place(image, board.flash_bytes)
    starts = [*board.sector_starts()]
    ends = [*starts[1:], board.flash_bytes]
    sectors = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        first, last = STM32_FLASH_BASE + start, STM32_FLASH_BASE + end
        blocks = _blocks(image, first, last)
        if blocks:
            here = sum(max(0, min(part.end, last) - max(part.address, first)) for part in image.segments)
            sectors.append(SectorWrite(number, first, end - start, blocks, image_bytes=here))
    return tuple(sectors)


def _check_place(image: Image, flash_bytes: int) -> None:
    flash_end = STM32_FLASH_BASE + flash_bytes
    for segment in image.segments:
        if segment.address < STM32_FLASH_BASE or segment.address >= flash_end:
            raise BadInput(
                f"The segment '{segment.name}' is for address {segment.address:#010x}; "
                f"flash is {STM32_FLASH_BASE:#010x} to {flash_end - 1:#010x}."
            )
        if segment.end > flash_end:
            raise BadInput(
                f"The image does not fit: '{segment.name}' ends {segment.end - flash_end:,} bytes behind "
                f"the {flash_bytes:,} bytes of flash.",
                hint="Take a smaller model, or a board with more flash; `mcu fits` tells which.",
            )
        if segment.address % ALIGNMENT:
            raise BadInput(
                f"The segment '{segment.name}' starts at {segment.address:#010x}, "
                f"which is not a multiple of {ALIGNMENT}."
            )


def _blocks(image: Image, start: int, end: int) -> tuple[Block, ...]:
    blocks = []
    for segment in image.segments:
        first, last = max(segment.address, start), min(segment.end, end)
        for address in range(first, last, BLOCK_BYTES):
            data = segment.data[
                address - segment.address : min(address + BLOCK_BYTES, last) - segment.address
            ]
            blocks.append(Block(address, data + ERASED * (-len(data) % ALIGNMENT)))
    return tuple(blocks)
