"""Flash an STM32 through its ROM bootloader on a serial line (ST AN3155): compare, erase, write, compare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from mcu.boards import Board, load_boards
from mcu.flash.an3155 import Rom, RomRefused, RomSilent, RomTrouble
from mcu.flash.image import Image
from mcu.flash.plan import Block, SectorWrite, plan_sectors
from mcu.flash.written import ChipLocked, Progress, VerifyFailed, Written, WrongChip
from mcu.transport import open_port

ATTEMPTS = 3  # of one command: the first, and two more
ROUNDS = 3  # of compare, erase, write
T = TypeVar("T")


def write(image: Image, *, board: Board, port: str, progress: Progress) -> Written:
    """See `mcu.flash.written.Flasher`. The chip must be in its ROM: BOOT0 high at reset."""
    sectors = plan_sectors(image, board)
    with open_port(port, baud=board.serial_baud, even_parity=True) as stream:
        rom = Rom(stream)
        return write_with(rom, sectors, board=board, start=image.start, progress=progress)


def write_with(
    rom: Rom, sectors: Sequence[SectorWrite], *, board: Board, start: int | None, progress: Progress
) -> Written:
    """Write over a line that is open; see `write`.

    Args:
        start: where the application starts; None leaves the chip in its ROM.
    """
    name = rom.stream.name
    try:
        rom.connect()
    except RomSilent as error:
        raise RomSilent(
            f"{name}: no STM32 ROM bootloader answers.",
            hint="Set BOOT0 high and press reset, then try again. Are RX and TX on the pins that the ROM listens on?",
        ) from error
    _check_chip(rom, board)
    wrote = program(rom, sectors, progress=progress)
    if start is not None:
        _go(rom, start)
    total = sum(sector.image_bytes for sector in sectors)
    return Written(
        chip=f"{board.chip} (ROM id {board.flash.rom_id:#05x})",
        wrote_bytes=wrote,
        skipped_bytes=total - wrote,
        verified=True,
        port=name,
    )


def program(rom: Rom, sectors: Sequence[SectorWrite], *, progress: Progress) -> int:
    """Make flash hold these blocks and prove it by reading them back; returns the bytes that had to be written.

    Only sectors that differ are erased. All of them are erased before the first write, and blocks are written from the
    highest address down: until the last block, which has the vector table, nothing of a half-written image can start.

    Raises:
        ChipLocked: the ROM refuses to read.
        VerifyFailed: flash differs after the last round.
        RomSilent: the ROM is gone.
    """
    pending = [sector for sector in sectors if not _holds(rom, sector)]
    todo = sum(sector.image_bytes for sector in pending)
    trouble: RomTrouble | None = None
    for _ in range(ROUNDS):
        if not pending:
            progress(todo, todo)
            return todo
        try:
            _erase_and_write(rom, pending, total=todo, progress=progress)
        except RomSilent:
            raise
        except RomTrouble as error:
            trouble = error
        pending = [sector for sector in pending if not _holds(rom, sector)]
    if pending:
        names = ", ".join(str(sector.number) for sector in pending)
        why = f" The ROM said: {trouble.message}" if trouble is not None else ""
        raise VerifyFailed(
            f"{rom.stream.name}: flash differs from the image in sector {names} after {ROUNDS} attempts.{why}",
            hint="Is the sector write-protected, or the supply weak? The board does not run; flash it again.",
        )
    return todo


def _erase_and_write(rom: Rom, sectors: Sequence[SectorWrite], *, total: int, progress: Progress) -> None:
    for sector in sectors:
        _attempt(rom, lambda number=sector.number: rom.erase(number))  # type: ignore[misc]
    done = 0
    for sector in reversed(sectors):
        for block in reversed(sector.blocks):
            _write_block(rom, block)
            done += len(block.data)
            progress(min(done, total), total)


def _write_block(rom: Rom, block: Block) -> None:
    for left in reversed(range(ATTEMPTS)):
        try:
            return rom.write(block.address, block.data)
        except RomTrouble:
            rom.recover()
            if _read(rom, block) == block.data:  # the answer was lost, not the data
                return None
            if not left:
                raise
    return None


def _holds(rom: Rom, sector: SectorWrite) -> bool:
    """Whether flash has all of the sector's blocks; a difference is believed when it is seen twice."""
    return all(_read(rom, block) == block.data or _read(rom, block) == block.data for block in sector.blocks)


def _read(rom: Rom, block: Block) -> bytes:
    try:
        return _attempt(rom, lambda: rom.read(block.address, len(block.data)))
    except RomRefused as error:
        if not error.at_command:
            raise
        raise ChipLocked(
            f"{rom.stream.name}: the chip is locked: its ROM refuses to read (read-out protection).",
            hint="Unlocking erases all of its flash: stm32flash -k PORT, or st-flash --connect-under-reset erase.",
        ) from error


def _check_chip(rom: Rom, board: Board) -> None:
    """Make sure that this is the board's chip, as far as its ROM can tell."""
    expected = board.flash.rom_id
    if _agreed(rom, rom.product_id, expected) != expected:
        found = _attempt(rom, rom.product_id)
        named = [
            other.id
            for other in load_boards().values()
            if other.flash.rom_id == found and other.flash.sectors
        ]
        raise WrongChip(
            f"{rom.stream.name}: the chip answers with ROM id {found:#05x} "
            f"({', '.join(named) or 'no board that is known'}), '{board.id}' has {expected:#05x}.",
            hint="Pass the board that is there with --board, or the other port with --port.",
        )
    register, flash_bytes = board.flash.size_register, board.flash_bytes
    if register is None or flash_bytes is None:
        return
    try:
        size = _agreed(rom, lambda: int.from_bytes(rom.read(register, 2), "little") * 1024, flash_bytes)
    except RomRefused:  # not every ROM lets it be read; a lock shows when flash is compared
        return
    if size < flash_bytes:
        raise WrongChip(
            f"{rom.stream.name}: the chip has {size // 1024} KiB of flash, '{board.id}' has {flash_bytes // 1024} KiB.",
            hint="Pass the board that is there with --board, or the other port with --port.",
        )


def _agreed(rom: Rom, ask: Callable[[], int], expected: int | None) -> int:
    """An answer; one that is not as expected is believed when it comes twice."""
    answer = _attempt(rom, ask)
    return answer if answer == expected else _attempt(rom, ask)


def _go(rom: Rom, start: int) -> None:
    try:
        rom.go(start)
    except RomTrouble:
        try:
            rom.recover()
        except RomSilent:
            return  # it has started, only its ACK was lost; HELLO tells
        _attempt(rom, lambda: rom.go(start))


def _attempt(rom: Rom, action: Callable[[], T]) -> T:
    for _ in range(ATTEMPTS - 1):
        try:
            return action()
        except RomTrouble:
            rom.recover()
    try:
        return action()
    except RomRefused:
        rom.recover()
        raise
