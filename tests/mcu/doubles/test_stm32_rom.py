"""The STM32 double is held to by Debian's stm32flash, unmodified, on every chip of the table."""

from __future__ import annotations

import random
import socket
import subprocess
from pathlib import Path

import pytest

from mcu.boards import Board, get_board, load_boards
from mcu.doubles.direct import DirectLine
from mcu.doubles.serve import OnPty
from mcu.doubles.stm32_rom import Stm32Rom, _board
from mcu.errors import BadInput
from mcu.flash.an3155 import Rom, RomRefused
from tests.support import require

STM32 = [board for board in load_boards().values() if board.chip.startswith("STM32")]
START = 0x0800_0000


def stm32flash(*arguments: str) -> subprocess.CompletedProcess[str]:
    require("stm32flash")
    return subprocess.run(["stm32flash", "-m", "8n1", *arguments], capture_output=True, text=True)


def stm32flash_on(served: OnPty, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Again after a reset if it did not wait: its time-out of half a second is wired in, and a busy machine is late."""
    for _ in range(5):
        done = stm32flash(*arguments, served.port)
        if done.returncode == 0 or "Failed to read ACK byte" not in done.stdout + done.stderr:
            break
        served.press_reset(bootloader=True)
    return done


@pytest.fixture
def firmware(tmp_path: Path) -> Path:
    path = tmp_path / "firmware.bin"
    path.write_bytes(random.Random(1).randbytes(20_000))
    return path


@pytest.mark.parametrize("board", STM32, ids=lambda board: board.id)
def test_stm32flash_writes_verifies_and_reads_back(board: Board, firmware: Path, tmp_path: Path):
    started: list[tuple[bytes, int]] = []
    rom = Stm32Rom(board, on_go=lambda image, address: started.append((image, address)))
    with OnPty(rom) as served:
        done = stm32flash_on(served, "-w", str(firmware), "-v")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Device ID    : " + f"0x{rom.rom_id:04x}" in done.stdout
        back = tmp_path / "back.bin"
        done = stm32flash_on(served, "-r", str(back), "-S", f"{START:#x}:20000")
        assert done.returncode == 0, done.stdout + done.stderr
        assert back.read_bytes() == firmware.read_bytes()
        done = stm32flash_on(served, "-g", f"{START:#x}")
        assert done.returncode == 0, done.stdout + done.stderr
    assert rom.flash.content[:20_000] == firmware.read_bytes()
    assert started == [(bytes(rom.flash.content), START)]
    # stm32flash has its own table of sectors and erases those that the image covers: ours must be the same. Only for
    # the STM32L4R version 0.7 counts 2 KiB per page, where RM0432 has 4 KiB, and so erases twice as many.
    covered = {rom.flash.sector_at(offset) for offset in range(0, 20_000, 1024)}
    expected = {*range(10)} if board.id == "nucleo_l4r5zi" else covered
    assert set(rom.flash.erased) == expected


def test_stm32flash_is_refused_by_a_locked_chip_and_can_unlock_it_at_the_price_of_its_content(firmware: Path):
    rom = Stm32Rom(get_board("nucleo_f446re"), locked=True)
    rom.flash.program(0, b"secret")
    with OnPty(rom) as served:
        assert stm32flash("-w", str(firmware), served.port).returncode != 0
        assert rom.flash.content[:6] == b"secret"
        assert stm32flash("-k", served.port).returncode == 0
    assert not rom.locked
    assert rom.flash.content.strip(b"\xff") == b""


def test_programming_clears_bits_and_only_erasing_sets_them():
    rom = Stm32Rom(get_board("nucleo_f446re"))
    rom.flash.program(0, b"\xf0\x0f")
    rom.flash.program(0, b"\x3c\x3c")
    assert rom.flash.content[:3] == b"\x30\x0c\xff"
    rom.flash.erase(0)
    assert rom.flash.content[:3] == b"\xff\xff\xff"


@pytest.mark.parametrize(("board", "unit"), [("nucleo_l476rg", 8), ("nucleo_h743zi2", 32)])
def test_flash_with_error_correction_refuses_a_second_write_to_a_unit(board: str, unit: int):
    double = Stm32Rom(get_board(board))
    rom = Rom(DirectLine(double))
    rom.connect()
    rom.write(START, bytes(unit))
    with pytest.raises(RomRefused):
        rom.write(START + unit - 4, bytes(4))
    rom.write(START + unit, bytes(unit))


def test_a_first_byte_other_than_the_sync_byte_deafens_it_until_reset():
    double = Stm32Rom(get_board("nucleo_f446re"))
    assert double.feed(b"\x00") == b""
    assert double.feed(b"\x7f\x7f\x00\xff") == b""
    double.power_on()
    assert double.feed(b"\x7f") == b"\x79"


@pytest.mark.parametrize(
    "message",
    [
        b"\x31\x31",  # no complement
        b"\x63\x9c",  # a command that it does not have
        b"\x11\xee" + b"\x08\x00\x00\x00\x09",  # checksum of the address
        b"\x11\xee" + b"\x30\x00\x00\x00\x30",  # nothing there
        b"\x11\xee" + b"\x08\x00\x00\x00\x08" + b"\x07\x07",  # complement of the length
        b"\x31\xce" + b"\x1f\xff\x00\x00\xe0",  # system memory is not written
        b"\x31\xce" + b"\x08\x00\x00\x00\x08" + b"\x03abcd\x00",  # checksum of the data
        b"\x44\xbb" + b"\x00\x00\x00\x63\x63",  # sector 99
        b"\x44\xbb" + b"\x00\x00\x00\x01\x00",  # checksum of the sectors
    ],
)
def test_a_wrong_message_is_refused_and_harms_nothing(message: bytes):
    double = Stm32Rom(get_board("nucleo_f446re"))
    double.flash.program(0, b"kept")
    double.feed(b"\x7f")
    assert double.feed(message).endswith(b"\x1f")
    assert double.feed(b"\x00\xff").startswith(b"\x79"), "it does not take the next command"
    assert double.flash.content[:4] == b"kept"
    assert double.flash.erased == []


def test_after_go_the_port_carries_the_applications_bytes():
    ours, theirs = socket.socketpair()
    rom = Stm32Rom(get_board("qemu_stm32f405"), on_go=lambda image, address: theirs)
    with OnPty(rom) as served, Path(served.port).open("r+b", buffering=0) as port:
        port.write(b"\x7f")
        assert port.read(1) == b"\x79"
        for part in (b"\x21\xde", b"\x08\x00\x00\x00\x08"):
            port.write(part)
            assert port.read(1) == b"\x79"
        ours.sendall(b"hello")
        assert port.read(5) == b"hello"
        port.write(b"who?")
        assert ours.recv(4) == b"who?"
    ours.close()


def test_the_command_saves_the_flash_image_and_starts_from_it(firmware: Path, tmp_path: Path):
    import sys

    image, link = tmp_path / "flash.img", tmp_path / "port"
    command = [sys.executable, "-m", "mcu.doubles.stm32_rom", "--pty", str(link), "--flash-image", str(image)]
    for arguments in (("-w", str(firmware), "-v"), ("-r", str(tmp_path / "back"), "-S", f"{START:#x}:20000")):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            assert str(link) in process.stdout.readline()
            assert stm32flash(*arguments, str(link)).returncode == 0
        finally:
            process.send_signal(2)
            process.communicate(timeout=20)
    assert image.read_bytes()[:20_000] == firmware.read_bytes()
    assert (tmp_path / "back").read_bytes() == firmware.read_bytes()


def test_a_fault_that_does_not_exist_gets_the_list():
    from mcu.doubles.faults import Fault

    assert Fault.parse("nack:7") == Fault("nack", 7)
    for text in ("gremlin:1", "nack", "nack:x", "nack:-1"):
        with pytest.raises(BadInput, match=r"is no fault.*power_cut"):
            Fault.parse(text)


def test_a_command_with_qemu_is_the_board_whose_firmware_runs_there():
    assert _board(None, qemu="netduinoplus2").id == "qemu_stm32f405"
    assert _board(None, qemu=None).id == _board(None, qemu="no_such_machine").id == "nucleo_f446re"
    assert _board("nucleo_f401re", qemu="netduinoplus2").id == "nucleo_f401re"
