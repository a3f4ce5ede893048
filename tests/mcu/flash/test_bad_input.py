"""What can be wrong with a board, through `mcu.flash` on doubles: one clear error each, and nothing is written."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

import mcu.flash
from mcu.boards import Board, get_board
from mcu.bundle import Bundle
from mcu.doubles.esp_rom import EspRom
from mcu.doubles.faults import Fault
from mcu.doubles.rom import RomDouble
from mcu.doubles.serve import OnPty
from mcu.doubles.stm32_rom import FLASH_BASE, Stm32Rom
from mcu.errors import BadInput, BoardError, LinkError, PortError
from mcu.flash.image import Image, Segment
from mcu.flash.written import ChipLocked, WrongChip
from tests.mcu.flash.firmware import Firmware
from tests.support import require

STM32, ESP = "blackpill_f411ce", "esp32_c3_devkitm"
VERSION = "1.0+build7"
NOBODY = 65_534


def build(bundle: Bundle, board: Board) -> Image:
    code = random.Random(1).randbytes(30_000)
    if board.flash.method == "esptool":
        return Image((Segment(0, code),), firmware=VERSION)
    return Image((Segment(FLASH_BASE, code),), start=FLASH_BASE, firmware=VERSION)


def double(board: str, **options: object) -> RomDouble:
    if board == ESP:
        require("module:esptool")
        return EspRom("ESP32-C3", **options)  # type: ignore[arg-type]
    return Stm32Rom(get_board(STM32), **options)  # type: ignore[arg-type]


def untouched(rom: RomDouble) -> bool:
    return not rom.flash.erased and not rom.flash.programmed


def plug_in(monkeypatch: pytest.MonkeyPatch, *ports: tuple[str, int, int]) -> None:
    """What the system lists: (device, vendor, product)."""
    listed = [SimpleNamespace(device=d, vid=v, pid=p, description="UART bridge") for d, v, p in ports]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: listed)


def test_no_board_says_what_was_looked_for_and_what_is_there(bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
    plug_in(monkeypatch, ("/dev/ttyACM0", 0x0483, 0x374B))
    with pytest.raises(BadInput, match=r"No 'esp32_c3_devkitm' \(10c4:ea60, 303a:1001\).*seen: /dev/ttyACM0"):
        mcu.flash(bundle, board=ESP, build=build)
    plug_in(monkeypatch)
    with pytest.raises(BadInput, match=r"No board is plugged in.*--board and --port"):
        mcu.flash(bundle, build=build)


def test_two_equal_boards_are_a_question(bundle: Bundle, monkeypatch: pytest.MonkeyPatch):
    plug_in(monkeypatch, ("/dev/ttyUSB0", 0x10C4, 0xEA60), ("/dev/ttyUSB1", 0x10C4, 0xEA60))
    with pytest.raises(
        BadInput, match=r"2 ports can be 'esp32_c3_devkitm': /dev/ttyUSB0 .*/dev/ttyUSB1 .*--port"
    ):
        mcu.flash(bundle, board=ESP, build=build)


@pytest.mark.parametrize("name", ["esp32c3_devkitm", "nucleo_f446", "blackpil"])
def test_an_unknown_board_gets_near_names(bundle: Bundle, name: str):
    with pytest.raises(BadInput, match=r"no board named.*Did you mean .*(devkitm|f446re|f411ce)"):
        mcu.flash(bundle, board=name, build=build)


@pytest.mark.parametrize(
    ("board", "rom", "says"),
    [
        (STM32, lambda: Stm32Rom(get_board("nucleo_f446re")), "ROM id 0x421"),
        pytest.param(ESP, lambda: EspRom("ESP32-S3"), "the chip is an ESP32-S3", marks=pytest.mark.slow),
    ],
)
def test_another_chip_is_named_and_not_touched(bundle: Bundle, board: str, rom, says: str):
    require("module:esptool")
    there = rom()
    with OnPty(there) as served, pytest.raises(WrongChip, match=says):
        mcu.flash(bundle, board=board, port=served.port, build=build)
    assert untouched(there)


@pytest.mark.parametrize(
    ("board", "options", "says"),
    [
        (STM32, {"locked": True}, "read-out protection"),
        pytest.param(ESP, {"secure_download": True}, "security settings", marks=pytest.mark.slow),
    ],
)
def test_a_locked_chip_is_named_and_not_touched(
    bundle: Bundle, board: str, options: dict[str, bool], says: str
):
    rom = double(board, **options)
    with OnPty(rom) as served, pytest.raises(ChipLocked, match=says):
        mcu.flash(bundle, board=board, port=served.port, build=build)
    assert untouched(rom)


@contextmanager
def without_rights() -> Iterator[None]:
    """Root may open everything: for a moment this process is nobody."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("board", [STM32, ESP])
def test_a_port_that_may_not_be_opened_names_the_group_to_join(bundle: Bundle, board: str):
    rom = double(board)
    with OnPty(rom) as served:
        Path(served.port).chmod(0)
        with (
            without_rights(),
            pytest.raises(PortError, match=r"may not be opened by this user.*usermod -aG \w+"),
        ):
            mcu.flash(bundle, board=board, port=served.port, build=build)
    assert untouched(rom)


@pytest.mark.parametrize("board", [STM32, pytest.param(ESP, marks=pytest.mark.slow)])
def test_a_port_that_vanishes_while_flashing_says_that_flash_holds_a_part(
    bundle: Bundle, board: str, tmp_path: Path
):
    rom, link = double(board, faults=[Fault("unplug", 1)]), tmp_path / "port"
    with OnPty(rom, link=link), pytest.raises(PortError, match=r"part of the image: flash again"):
        mcu.flash(bundle, board=board, port=str(link), build=build)
    assert rom.flash.programmed
    rom.power_on()
    rom.on_go = Firmware(bundle, board=board, version=VERSION)

    def release_the_boot_button(line: str) -> None:
        if board == ESP and line.endswith("greet"):
            again.press_reset(bootloader=False)

    with OnPty(rom) as again:
        result = mcu.flash(bundle, board=board, port=again.port, build=build, note=release_the_boot_button)
        assert result.ready


def test_firmware_of_another_protocol_version_is_replaced_once_the_rom_answers(bundle: Bundle):
    rom = double(STM32, on_go=Firmware(bundle, board=STM32, version=VERSION, protocol=2))
    with OnPty(rom) as served:
        served.press_reset(bootloader=False)
        # No ROM answers: the person must set BOOT0. That is said, nothing is taken for success.
        with pytest.raises(BoardError, match="BOOT0"):
            mcu.flash(bundle, board=STM32, port=served.port, build=build)
        assert untouched(rom)
        rom.on_go = Firmware(bundle, board=STM32, version=VERSION)
        served.press_reset(bootloader=True)
        assert mcu.flash(bundle, board=STM32, port=served.port, build=build).ready


def test_firmware_of_another_protocol_version_that_was_just_written_is_not_ready(bundle: Bundle):
    rom = double(STM32, on_go=Firmware(bundle, board=STM32, version=VERSION, protocol=2))
    with OnPty(rom) as served, pytest.raises(LinkError, match=r"version 2.*the board is not ready"):
        mcu.flash(bundle, board=STM32, port=served.port, build=build)
