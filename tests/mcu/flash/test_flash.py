"""`mcu.flash` end to end on doubles: written, verified, started, greeted, held to the golden vectors; or why not."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

import mcu.flash
from mcu.boards import Board, get_board
from mcu.bundle import Bundle
from mcu.doubles.esp_rom import EspRom
from mcu.doubles.serve import OnPty
from mcu.doubles.stm32_rom import FLASH_BASE, Stm32Rom
from mcu.errors import BadInput, BoardError, BundleError, LinkError, PortError, WrongModel
from mcu.flash.image import Image, Segment
from mcu.flash.written import VerifyFailed, WrongChip
from tests.mcu.flash.firmware import Firmware
from tests.support import require

BOARD = "blackpill_f411ce"
VERSION = "1.0+build7"


def build(bundle: Bundle, board: Board) -> Image:
    """Random bytes that stand for the firmware of this bundle; the model's file lies behind them."""
    code = random.Random(bundle.manifest.model_crc32).randbytes(30_000)
    if board.flash.method == "esptool":
        return Image((Segment(0x1_0000, code + bundle.model_bytes),), firmware=VERSION)
    model = Segment(FLASH_BASE + 0x1_0000, bundle.model_bytes, "model")
    return Image((Segment(FLASH_BASE, code), model), start=FLASH_BASE, firmware=VERSION)


def stm32(bundle: Bundle, **options: object) -> Stm32Rom:
    firmware = Firmware(bundle, **{"board": BOARD, "version": VERSION, **options})  # type: ignore[arg-type]
    return Stm32Rom(get_board(BOARD), on_go=firmware)


def test_a_bundle_is_written_verified_started_and_held_to_its_golden_vectors(bundle: Bundle):
    rom, notes = stm32(bundle), []
    with OnPty(rom) as served:
        result = mcu.flash(bundle, board=BOARD, port=served.port, build=build, note=notes.append)
    image = build(bundle, get_board(BOARD))
    for segment in image.segments:
        offset = segment.address - FLASH_BASE
        assert rom.flash.content[offset : offset + len(segment.data)] == segment.data
    assert (result.board, result.port, result.verified, result.ready) == (BOARD, served.port, True, True)
    assert result.wrote_bytes == image.size
    assert result.skipped_bytes == 0
    assert [note.split(": ")[1].split()[0] for note in notes] == ["build", "write", "greet"]


def test_an_unchanged_image_is_recognised_by_hello_without_asking_the_rom(bundle: Bundle):
    rom = stm32(bundle)
    with OnPty(rom) as served:
        mcu.flash(bundle, board=BOARD, port=served.port, build=build)
        programmed, received = [*rom.flash.programmed], rom.faults.counts["byte"]
        result = mcu.flash(bundle, board=BOARD, port=served.port, build=build)
        assert (result.wrote_bytes, result.ready, result.verified) == (0, True, True)
        assert result.skipped_bytes == build(bundle, get_board(BOARD)).size
        assert rom.flash.programmed == programmed
        assert rom.faults.counts["byte"] == received, "the ROM was asked"


def test_the_board_is_found_by_asking_the_rom_when_only_the_port_is_given(bundle: Bundle):
    rom = Stm32Rom(
        get_board("nucleo_h743zi2"), on_go=Firmware(bundle, board="nucleo_h743zi2", version=VERSION)
    )
    with OnPty(rom) as served:
        result = mcu.flash(bundle, port=served.port, method="stm32_uart", build=build)
    assert (result.board, result.ready) == ("nucleo_h743zi2", True)


def test_a_rom_that_several_boards_have_needs_a_word(bundle: Bundle):
    with OnPty(Stm32Rom(get_board(BOARD))) as served, pytest.raises(BadInput) as caught:
        mcu.flash(bundle, port=served.port, build=build)
    assert "It can be: blackpill_f411ce, nucleo_f411re" in caught.value.message
    assert "--board" in caught.value.hint


def test_a_dry_run_tells_the_plan_and_writes_nothing(bundle: Bundle):
    rom = stm32(bundle)
    with OnPty(rom) as served:
        result = mcu.flash(bundle, board=BOARD, port=served.port, build=build, dry_run=True)
    assert not rom.flash.programmed
    assert not rom.flash.erased
    assert (result.ready, result.verified, result.wrote_bytes) == (False, False, 0)
    text = "\n".join(result.plan)
    for words in ("blackpill_f411ce", "app: 0x08000000", "model: 0x08010000", "sector 4: 0x08010000, 64 KiB"):
        assert words in text


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"version": "0.9"}, VerifyFailed, "firmware '0.9' answers, '1.0.build7' was flashed"),
        ({"board": "nucleo_f411re"}, BoardError, "answers as 'nucleo_f411re'"),
        ({"crc32": 1}, WrongModel, "its flash is damaged"),
    ],
)
def test_firmware_that_is_not_what_was_flashed_is_never_ready(
    bundle: Bundle, options: dict[str, object], kind: type[Exception], says: str
):
    with (
        OnPty(stm32(bundle, **options)) as served,
        pytest.raises(kind, match=f"{says}.*the board is not ready"),
    ):
        mcu.flash(bundle, board=BOARD, port=served.port, build=build)


def test_another_model_than_the_flashed_one_is_never_ready(bundle: Bundle, other_bundle: Bundle):
    with OnPty(stm32(other_bundle)) as served, pytest.raises(WrongModel, match="not ready"):
        mcu.flash(bundle, board=BOARD, port=served.port, build=build)


def test_a_golden_vector_that_comes_out_wrong_is_never_ready(bundle: Bundle, tmp_path: Path):
    from tests.mcu.hil.digits_bundle import write_digits_bundle

    wrong = write_digits_bundle(tmp_path / "wrong", wrong_golden=True)
    with (
        OnPty(stm32(wrong)) as served,
        pytest.raises(VerifyFailed, match="1 of 4 golden vectors come out wrong, first 2"),
    ):
        mcu.flash(wrong, board=BOARD, port=served.port, build=build)


def test_an_application_that_stays_silent_is_written_but_not_ready(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("mcu.flash.greet._AFTER_S", 0.5)
    with (
        OnPty(Stm32Rom(get_board(BOARD))) as served,
        pytest.raises(LinkError, match=r"written and verified.*not ready"),
    ):
        mcu.flash(bundle, board=BOARD, port=served.port, build=build)


def test_firmware_of_another_chip_is_refused_before_anything_is_sent_to_the_rom(bundle: Bundle):
    rom = stm32(bundle, board="nucleo_h743zi2")
    with OnPty(rom) as served:
        served.press_reset(bootloader=False)
        with pytest.raises(WrongChip, match=r"answers as 'nucleo_h743zi2' .*'blackpill_f411ce'"):
            mcu.flash(bundle, board=BOARD, port=served.port, build=build)
    assert not rom.flash.erased


def test_an_esp32_is_flashed_by_the_real_esptool_and_greeted(bundle: Bundle):
    require("module:esptool")
    board = get_board("esp32_c3_devkitm")
    rom = EspRom("ESP32-C3", on_go=Firmware(bundle, board=board.id, version=VERSION))

    def note(line: str) -> None:
        if line.endswith("greet"):
            served.press_reset(bootloader=False)  # on a board esptool does that by RTS

    with OnPty(rom) as served:
        result = mcu.flash(bundle, board=board, port=served.port, build=build, note=note)
        assert (result.ready, result.verified, result.chip) == (True, True, "ESP32-C3")
        (segment,) = build(bundle, board).segments
        assert rom.flash.content[segment.address : segment.end] == segment.data
        blocks = rom.blocks_received
        again = mcu.flash(bundle, board=board, port=served.port, build=build)
        assert (again.wrote_bytes, again.ready, rom.blocks_received) == (0, True, blocks)


def test_the_virtual_board_has_nothing_to_write_and_is_ready(bundle: Bundle):
    result = mcu.flash(bundle, board="virtual")
    assert (result.board, result.wrote_bytes, result.ready) == ("virtual", 0, True)


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"board": "blackpil_f411"}, BadInput, r"no board named 'blackpil_f411'.*blackpill_f411ce"),
        (
            {"board": BOARD, "method": "esptool"},
            BadInput,
            r"cannot be flashed by 'esptool'.*stm32_uart, stlink",
        ),
        ({"board": BOARD, "port": "/dev/ttyNothing"}, PortError, r"no port /dev/ttyNothing"),
    ],
)
def test_bad_input_fails_before_anything_is_touched(
    bundle: Bundle, options: dict[str, object], kind: type[Exception], says: str
):
    with pytest.raises(kind, match=says):
        mcu.flash(bundle, build=build, **options)  # type: ignore[arg-type]


def test_a_damaged_bundle_is_named(tmp_path: Path):
    with pytest.raises(BundleError, match="does not exist"):
        mcu.flash(tmp_path / "nothing", board=BOARD)


def test_flashing_loads_neither_tensorflow_nor_esptool():
    code = (
        "import sys, mcu.flash, mcu.flash.esptool_flasher\n"
        "print(*{'tensorflow', 'keras', 'esptool'}.intersection(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
