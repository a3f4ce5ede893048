"""Which board is meant: USB identities make candidates, two equal boards are a question, ROMs and firmware answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from mcu.boards import UsbId, get_board, load_boards
from mcu.bundle import Bundle
from mcu.doubles.esp_rom import EspRom
from mcu.doubles.serve import OnPty
from mcu.doubles.stm32_rom import Stm32Rom
from mcu.errors import BadInput
from mcu.flash.find import ask, find_board
from mcu.transport import discovery
from mcu.transport.discovery import BRIDGES, PROBES, PortInfo
from tests.mcu.flash.firmware import Firmware
from tests.support import require

CP2102, ST_LINK = UsbId(0x10C4, 0xEA60), UsbId(0x0483, 0x374B)
HERE = Path("bundle")


def ports(*identities: UsbId | None) -> tuple[PortInfo, ...]:
    boards = load_boards().values()
    return tuple(
        PortInfo(
            f"/dev/tty{i}", usb, str(usb), tuple(b.id for b in boards if usb is not None and usb in b.usb)
        )
        for i, usb in enumerate(identities)
    )


def find(board: str | None, seen: Sequence[PortInfo]) -> tuple[str, str]:
    found = find_board(get_board(board) if board else None, port=None, bundle=HERE, ports=lambda: seen)
    return found.board.id, found.port


def test_the_only_port_whose_usb_identity_fits_is_taken():
    assert find("esp32_c3_devkitm", ports(None, CP2102, ST_LINK)) == ("esp32_c3_devkitm", "/dev/tty1")
    assert find("nucleo_f446re", ports(None, CP2102, ST_LINK)) == ("nucleo_f446re", "/dev/tty2")


def test_no_board_names_what_was_seen_instead():
    with pytest.raises(
        BadInput, match=r"No 'esp32_s3_eye' \(303a:1001\) on any port; USB ports seen: /dev/tty1 "
    ):
        find("esp32_s3_eye", ports(None, ST_LINK))
    with pytest.raises(BadInput, match="No board is plugged in"):
        find(None, ports(None))


def test_two_equal_boards_are_a_question_not_a_guess():
    with pytest.raises(BadInput, match=r"2 ports can be 'nucleo_f446re': /dev/tty0 .*/dev/tty1 .*--port"):
        find("nucleo_f446re", ports(ST_LINK, ST_LINK))
    with pytest.raises(BadInput, match=r"2 boards are plugged in: .*--port"):
        find(None, ports(ST_LINK, CP2102))


def test_boards_without_a_port_of_their_own_get_a_url():
    assert find("virtual", ()) == ("virtual", "virtual://bundle")
    assert find("qemu_stm32f405", ()) == ("qemu_stm32f405", "qemu://bundle?board=qemu_stm32f405")


@pytest.mark.parametrize("board", ["nucleo_f446re", "nucleo_h743zi2"])
def test_an_stm32_rom_tells_the_chip(board: str):
    with OnPty(Stm32Rom(get_board(board))) as served:
        there = ask(served.port, usb=None)
    assert (there.kind, there.boards) == ("stm32_rom", (board,))


def test_the_usb_identity_narrows_what_the_rom_leaves_open():
    with OnPty(Stm32Rom(get_board("nucleo_l476rg"))) as served:
        assert ask(served.port, usb=None).boards == ("b_l475e_iot01a", "nucleo_l476rg")
    with OnPty(Stm32Rom(get_board("nucleo_f411re"))) as served:
        assert ask(served.port, usb=CP2102).boards == ("blackpill_f411ce",)


def test_an_esp_rom_tells_the_chip():
    require("module:esptool")
    with OnPty(EspRom("ESP32-C6")) as served:
        there = ask(served.port, usb=CP2102)
    assert (there.kind, there.boards) == ("esp_rom", ("esp32_c6_devkitc",))


def test_our_firmware_tells_the_board(bundle: Bundle):
    rom = Stm32Rom(get_board("nucleo_f446re"), on_go=Firmware(bundle, board="nucleo_f446re", version="1"))
    with OnPty(rom) as served:
        served.press_reset(bootloader=False)
        there = ask(served.port, usb=ST_LINK)
    assert (there.kind, there.boards) == ("firmware", ("nucleo_f446re",))


def test_nobody_leaves_the_candidates_of_the_usb_identity():
    rom = Stm32Rom(get_board("nucleo_f446re"))
    rom.powered = False
    with OnPty(rom) as served:
        there = ask(served.port, usb=ST_LINK, may_reset=False)
    assert there.kind == "silent"
    assert "nucleo_f446re" in there.boards
    assert "no answer to HELLO" in there.detail


def test_every_usb_identity_of_a_board_is_one_that_is_known_or_its_own():
    makers = {0x303A, 0x2886}  # Espressif and Seeed: the chip's own USB
    for board in load_boards().values():
        for usb in board.usb:
            assert usb in BRIDGES or usb in PROBES or usb.vendor in makers, f"{board.id}: {usb}"


def test_ports_of_this_computer_are_listed_without_opening_them(monkeypatch: pytest.MonkeyPatch):
    class Port:
        device, vid, pid, description = "/dev/ttyX", 0x0483, 0x374B, "STM32 STLink"

    class Plain:
        device, vid, pid, description = "/dev/ttyS9", None, None, "n/a"

    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: [Plain, Port])
    first, second = discovery.list_ports()
    assert (first.port, first.usb, "nucleo_f446re" in first.boards) == ("/dev/ttyX", ST_LINK, True)
    assert "ST-LINK/V2-1" in first.description
    assert (second.usb, second.boards) == (None, ())
