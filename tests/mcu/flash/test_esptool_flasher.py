"""Flashing an ESP through the real esptool, with faults: never a false success, never another chip, and it recovers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mcu.boards import get_board
from mcu.doubles.esp_rom import EspRom
from mcu.doubles.faults import Fault, FaultKind
from mcu.doubles.serve import OnPty
from mcu.errors import BadInput, BoardError, LinkError, MissingExtra, PortError
from mcu.flash.esptool_flasher import ask_chip, write
from mcu.flash.image import Image, Segment
from mcu.flash.written import ChipLocked, VerifyFailed, Written, WrongChip
from tests.support import require

BOARD = get_board("esp32_c3_devkitm")
BLOCK = 16_384  # of the stub


@pytest.fixture(autouse=True)
def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """esptool waits for an answer as long as it takes: here every one comes, or the port goes away.

    With time-outs of a second a busy machine makes esptool repeat and give up, and no step is at a known place.
    """
    wait_up_to(60, tmp_path, monkeypatch)


@pytest.fixture
def impatient(patient: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For answers that never come, where esptool itself would wait for 3 s."""
    wait_up_to(0.6, tmp_path, monkeypatch)


def wait_up_to(timeout_s: float, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require("module:esptool")
    config = folder / "esptool.cfg"
    config.write_text(
        f"[esptool]\ntimeout = {timeout_s}\nmem_end_rom_timeout = {timeout_s}\n"
        f"sync_timeout = {timeout_s / 6}\nreset_delay = 0.01\n"
    )
    monkeypatch.setenv("ESPTOOL_CFGFILE", str(config))


def image(app_bytes: int = 40_000) -> Image:
    rng = random.Random(app_bytes)
    return Image(
        (
            Segment(0x0, b"\xe9" + rng.randbytes(9_000), "bootloader"),
            Segment(0x8000, rng.randbytes(3_072), "partitions"),
            Segment(0x1_0000, b"\xe9" + rng.randbytes(app_bytes)),
        )
    )


def holds(rom: EspRom, image: Image) -> bool:
    return all(rom.flash.content[s.address : s.end] == s.data for s in image.segments)


def run(rom: EspRom, image: Image, *, board: str = BOARD.id) -> Written:
    with OnPty(rom) as served:
        return write(image, board=get_board(board), port=served.port, progress=lambda done, total: None)


@pytest.mark.parametrize(
    ("chip", "board"),
    [
        ("ESP32", "esp32_devkitc"),
        ("ESP32-S3", "esp32_s3_devkitc"),
        ("ESP32-C3", "esp32_c3_devkitm"),
        ("ESP32-C6", "esp32_c6_devkitc"),
    ],
)
def test_every_chip_is_written_verified_and_the_second_run_writes_nothing(chip: str, board: str):
    rom, firmware = EspRom(chip, flash_bytes=get_board(board).flash_bytes or 0), image()
    progress: list[tuple[int, int]] = []
    with OnPty(rom) as served:
        written = write(
            firmware,
            board=get_board(board),
            port=served.port,
            progress=lambda done, total: progress.append((done, total)),
        )
        assert holds(rom, firmware)
        assert (written.chip, written.verified, written.skipped_bytes) == (chip, True, 0)
        assert progress[-1] == (firmware.size, firmware.size)
        blocks, erased = rom.blocks_received, [*rom.flash.erased]
        again = write(firmware, board=get_board(board), port=served.port, progress=lambda done, total: None)
    assert (again.wrote_bytes, again.verified) == (0, True)
    assert (rom.blocks_received, rom.flash.erased) == (blocks, erased)


def test_only_segments_that_differ_are_written():
    rom, old = EspRom("ESP32-C3"), image()
    run(rom, old)
    erased = len(rom.flash.erased)
    new = Image((*old.segments[:2], Segment(0x1_0000, b"\xe9" + bytes(5_000))))
    written = run(rom, new)
    assert holds(rom, new)
    assert set(rom.flash.erased[erased:]) == {0x10, 0x11}
    assert written.wrote_bytes == len(new.segments[2].data)
    assert written.skipped_bytes == len(old.segments[0].data) + len(old.segments[1].data)


def test_another_chip_is_named_and_not_touched():
    rom = EspRom("ESP32-S3")
    with pytest.raises(WrongChip, match=r"the chip is an ESP32-S3, 'esp32_c3_devkitm' has an ESP32-C3"):
        run(rom, image())
    assert (rom.blocks_received, rom.flash.erased) == (0, [])


def test_a_chip_that_esptool_does_not_know_is_not_touched():
    rom = EspRom("ESP32-C3", chip_id=77)
    with pytest.raises(WrongChip, match="does not know"):
        run(rom, image())
    assert (rom.blocks_received, rom.flash.erased) == (0, [])


def test_a_locked_chip_is_named_and_not_touched():
    rom = EspRom("ESP32-C3", secure_download=True)
    with pytest.raises(ChipLocked, match="security settings forbid"):
        run(rom, image())
    assert (rom.blocks_received, rom.flash.erased) == (0, [])


@pytest.mark.usefixtures("impatient")
def test_a_port_with_nobody_behind_it_says_what_to_press():
    rom = EspRom("ESP32-C3")
    rom.powered = False
    with pytest.raises(LinkError, match=r"no ESP answers.*BOOT"):
        run(rom, image())


@pytest.mark.parametrize("block", [pytest.param(0, marks=pytest.mark.slow), 3])
def test_after_the_port_vanished_at_a_block_it_says_so_and_the_next_run_recovers(block: int, tmp_path: Path):
    vanish, link = Fault("unplug", block), tmp_path / "port"
    rom, firmware = EspRom("ESP32-C3", faults=[vanish]), image()
    with OnPty(rom, link=link), pytest.raises(PortError, match=f"no port {link}"):
        write(firmware, board=BOARD, port=str(link), progress=lambda done, total: None)
    assert rom.faults.committed == [vanish]
    assert not holds(rom, firmware)
    rom.power_on()
    assert run(rom, firmware).verified
    assert holds(rom, firmware)


def test_an_image_that_does_not_fit_and_a_port_that_is_not_there_fail_before_esptool_runs():
    too_large = Image((Segment(0x3F_0000, bytes(100_000)),))
    with pytest.raises(BadInput, match="ends 34,464 bytes behind the 4,194,304 bytes"):
        write(too_large, board=BOARD, port="/dev/ttyNothing", progress=lambda done, total: None)
    with pytest.raises(PortError, match="no port /dev/ttyNothing"):
        write(image(), board=BOARD, port="/dev/ttyNothing", progress=lambda done, total: None)


def test_without_esptool_the_line_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with (
        OnPty(EspRom("ESP32-C3")) as served,
        pytest.raises(MissingExtra, match=r"pip install 'keras-tiny\[flash\]'"),
    ):
        write(image(), board=BOARD, port=served.port, progress=lambda done, total: None)


def test_asking_names_the_chip():
    with OnPty(EspRom("ESP32-S3")) as served:
        assert ask_chip(served.port) == "ESP32-S3"


def recovers_or_says_why(fault: Fault) -> bool:
    """Inject it; True if that run still succeeded. The next run always does."""
    rom, firmware = EspRom("ESP32-C3", faults=[fault]), image()
    with OnPty(rom) as served:

        def flash() -> Written:
            return write(firmware, board=BOARD, port=served.port, progress=lambda done, total: None)

        try:
            flash()
        except BoardError:
            succeeded = False
        else:
            succeeded = True
            assert holds(rom, firmware), f"false success after {fault}"
        assert rom.faults.committed == [fault], f"{fault} never happened"
        served.press_reset(bootloader=True)
        assert flash().verified
        assert holds(rom, firmware)
    return succeeded


# A write of this image has 5 blocks; replies 60 to 150 are those of the stub's upload, the write and its verification.
FAULTS: list[tuple[FaultKind, int]] = [
    ("lose_reply", 70),
    ("flip_reply", 90),
    ("nack", 110),
    ("flip_byte", 20_000),
    ("lose_byte", 25_000),
    ("weak_bit", 3),
    ("half_erased", 4),
]


@pytest.mark.slow  # esptool's own time-outs decide which reply is the 70th: on a busy machine it can be none
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("kind", "at"), FAULTS)
def test_a_fault_is_repaired_in_the_same_run(kind: FaultKind, at: int):
    assert recovers_or_says_why(Fault(kind, at))


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    "kind", ["lose_reply", "flip_reply", "nack", "power_cut", "power_cut_torn", "reset", "weak_bit"]
)
def test_no_fault_at_any_step_gives_a_false_success(kind: FaultKind):
    places = range(5) if kind in ("power_cut", "power_cut_torn", "reset", "weak_bit") else range(0, 150, 10)
    for at in places:
        recovers_or_says_why(Fault(kind, at))


def test_flash_that_does_not_take_the_image_is_never_a_success():
    rom = EspRom("ESP32-C3", faults=[Fault("weak_bit", at) for at in range(100)])
    with pytest.raises(VerifyFailed, match="differs from the image after 3 attempts"):
        run(rom, image(5_000))
