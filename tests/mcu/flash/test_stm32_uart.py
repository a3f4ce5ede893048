"""Our AN3155 client on a pty: writes what differs, erases only that, agrees with stm32flash, spares other chips."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from pathlib import Path

import pytest

from mcu.boards import Board, get_board, load_boards
from mcu.doubles.faults import Fault
from mcu.doubles.serve import OnPty
from mcu.doubles.stm32_rom import FLASH_BASE, Stm32Rom
from mcu.errors import BoardError, PortError
from mcu.flash.image import Image, Segment
from mcu.flash.stm32_uart import write
from mcu.flash.written import ChipLocked, VerifyFailed, Written, WrongChip
from tests.support import require

BOARD = get_board("nucleo_f446re")
STM32 = [board for board in load_boards().values() if board.chip.startswith("STM32")]


def flash(image: Image, rom: Stm32Rom, *, board: Board = BOARD) -> Written:
    with OnPty(rom) as served:
        return write(image, board=board, port=served.port, progress=lambda done, total: None)


def firmware(size: int = 150_000) -> Image:
    return Image((Segment(FLASH_BASE, random.Random(size).randbytes(size)),), start=FLASH_BASE)


@pytest.mark.parametrize("board", STM32, ids=lambda board: board.id)
def test_every_stm32_of_the_table_is_written_verified_and_started(board: Board):
    image, started = firmware(20_000), []
    rom = Stm32Rom(board, on_go=lambda content, address: started.append((content, address)))
    written = flash(image, rom, board=board)
    assert rom.flash.content[:20_000] == image.segments[0].data
    assert (written.verified, written.skipped_bytes) == (True, 0)
    assert written.wrote_bytes == 20_000
    assert started == [(bytes(rom.flash.content), FLASH_BASE)]


def test_a_second_run_writes_nothing_in_under_a_second():
    image, rom = firmware(40_000), Stm32Rom(BOARD)
    flash(image, rom)
    rom.power_on()
    erased, programmed = [*rom.flash.erased], [*rom.flash.programmed]
    begin = time.monotonic()
    written = flash(image, rom)
    assert time.monotonic() - begin < 1
    assert (written.wrote_bytes, written.skipped_bytes, written.verified) == (0, 40_000, True)
    assert (rom.flash.erased, rom.flash.programmed) == (erased, programmed)


def test_only_sectors_that_differ_are_erased_and_no_other_byte_of_flash_changes():
    image, rom = firmware(40_000), Stm32Rom(BOARD)
    rom.flash.program(0x1_0000, b"user data")
    flash(image, rom)
    rom.power_on()
    rom.flash.erased.clear()
    data = bytearray(image.segments[0].data)
    data[20_000] ^= 1  # in sector 1
    written = flash(Image((Segment(FLASH_BASE, bytes(data)),)), rom)
    assert rom.flash.erased == [1]
    assert written.wrote_bytes == 0x4000
    assert rom.flash.content[:40_000] == data
    assert rom.flash.content[0x1_0000:0x1_0009] == b"user data"


def test_the_vector_table_is_erased_first_and_written_last():
    rom = Stm32Rom(BOARD)
    flash(firmware(40_000), rom)
    assert rom.flash.erased == [0, 1, 2]
    offsets = [offset for offset, _ in rom.flash.programmed]
    assert offsets == sorted(offsets, reverse=True)
    assert offsets[-1] == 0


def test_progress_ends_at_the_whole():
    seen: list[tuple[int, int]] = []
    rom = Stm32Rom(BOARD)
    with OnPty(rom) as served:
        write(
            firmware(5_000),
            board=BOARD,
            port=served.port,
            progress=lambda done, total: seen.append((done, total)),
        )
    assert seen[-1] == (seen[-1][1], seen[-1][1])
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_stm32flash_reads_what_we_wrote_and_we_accept_what_it_wrote(tmp_path: Path):
    require("stm32flash")
    image, rom, path = firmware(30_000), Stm32Rom(BOARD), tmp_path / "image.bin"
    data = image.segments[0].data

    def stm32flash(*arguments: str) -> None:
        with OnPty(rom) as served:
            subprocess.run(
                ["stm32flash", "-m", "8n1", *arguments, served.port], check=True, capture_output=True
            )

    flash(Image(image.segments), rom)
    stm32flash("-r", str(path), "-S", f"{FLASH_BASE:#x}:30000")
    assert path.read_bytes() == data
    rom = Stm32Rom(BOARD)
    path.write_bytes(data)
    stm32flash("-w", str(path), "-v")
    assert flash(Image(image.segments), rom).wrote_bytes == 0


@pytest.mark.parametrize("there", ["nucleo_f411re", "nucleo_l476rg"])
def test_another_chip_is_named_and_not_touched(there: str):
    rom = Stm32Rom(get_board(there))
    with pytest.raises(WrongChip, match=rf"ROM id 0x.* \(.*{there}.*\), 'nucleo_f446re' has 0x421"):
        flash(firmware(), rom)
    assert not rom.flash.erased
    assert not rom.flash.programmed


def test_a_chip_of_the_family_with_less_flash_is_not_touched():
    small = BOARD.model_copy(
        update={
            "flash_bytes": 262_144,
            "flash": BOARD.flash.model_copy(update={"sectors": BOARD.flash.sectors[:2]}),
        }
    )
    small = small.model_copy(update={"flash_bytes": 131_072})
    rom = Stm32Rom(small)
    with pytest.raises(WrongChip, match="has 128 KiB of flash, 'nucleo_f446re' has 512"):
        flash(firmware(), rom)
    assert not rom.flash.erased


def test_a_locked_chip_is_named_and_not_touched():
    rom = Stm32Rom(BOARD, locked=True)
    rom.flash.program(0, b"secret")
    with pytest.raises(ChipLocked, match=r"locked.*read-out protection.*Unlocking erases"):
        flash(firmware(), rom)
    assert rom.flash.content[:6] == b"secret"


def test_flash_that_does_not_take_the_image_is_never_a_success():
    every_time = [Fault("weak_bit", at) for at in range(0, 400)]
    with pytest.raises(VerifyFailed, match="differs from the image in sector 0 after 3 attempts"):
        flash(firmware(5_000), Stm32Rom(BOARD, faults=every_time))


def test_a_port_with_no_rom_behind_it_says_how_to_reach_it():
    rom = Stm32Rom(BOARD)
    rom.powered = False
    with pytest.raises(BoardError, match=r"no STM32 ROM bootloader answers.*BOOT0"):
        flash(firmware(), rom)


def test_a_port_that_vanishes_while_flashing_is_reported_soon():
    rom = Stm32Rom(BOARD)
    with OnPty(rom) as served:
        unplug = threading.Timer(0.5, served.unplug)
        unplug.start()
        begin = time.monotonic()
        with pytest.raises(PortError, match="went away in the middle"):
            write(firmware(500_000), board=BOARD, port=served.port, progress=lambda done, total: None)
        assert time.monotonic() - begin < 3
        unplug.join()


@pytest.mark.parametrize("fault", [Fault("lose_reply", 20), Fault("nack", 33), Fault("flip_byte", 900)])
def test_a_fault_on_a_real_line_is_waited_out_and_repaired(fault: Fault):
    image, rom = firmware(4_000), Stm32Rom(BOARD, faults=[fault])
    assert flash(image, rom).verified
    assert rom.faults.committed == [fault]
    assert rom.flash.content[:4_000] == image.segments[0].data
