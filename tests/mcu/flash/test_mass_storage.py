"""Copying onto a Nucleo's drive: the right drive, the whole image, the ST-Link's own words when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcu.boards import get_board, load_boards
from mcu.errors import BadInput, BoardError, PortError
from mcu.flash.image import Image, Segment
from mcu.flash.mass_storage import copy_to, find_drive, write
from mcu.flash.plan import STM32_FLASH_BASE

BOARD = get_board("nucleo_f446re")


def quiet(done: int, total: int) -> None:
    """No progress to show."""


def drive(folder: Path, name: str, code: str) -> Path:
    place = folder / name
    place.mkdir()
    link = f"https://os.mbed.com/start?code={code}0221066DFF494849887767191513"
    (place / "MBED.HTM").write_text(f'<meta http-equiv="refresh" content="0; url={link}"/>')
    return place


def test_codes_name_one_board_each():
    codes = [board.flash.mbed_code for board in load_boards().values() if board.flash.mbed_code]
    assert len(codes) == len(set(codes))
    assert all(len(code) == 4 for code in codes)


def test_the_image_goes_to_the_drive_of_the_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ours, _ = drive(tmp_path, "NODE_F446RE", "0777"), drive(tmp_path, "NODE_F411RE", "0740")
    monkeypatch.setattr("mcu.flash.mass_storage.drives", lambda: [*tmp_path.iterdir()])
    segments = (Segment(STM32_FLASH_BASE, b"code" * 8), Segment(STM32_FLASH_BASE + 0x4000, b"model", "model"))
    written = write(Image(segments), board=BOARD, port="/dev/ttyACM0", progress=quiet)
    assert (ours / "image.bin").read_bytes() == b"code" * 8 + b"\xff" * (0x4000 - 32) + b"model"
    assert not written.verified, "a drive cannot be read back; only the board's HELLO verifies"


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        ([], r"No drive of a 'nucleo_f446re' \(code 0777\) is mounted; drives of boards: none"),
        (["0740"], r"drives of boards: .*drive0 \(code 0740\)"),
        (["0777", "0777"], "2 drives belong to a 'nucleo_f446re'"),
    ],
)
def test_none_or_two_drives_are_an_error_not_a_guess(codes: list[str], says: str, tmp_path: Path):
    mounted = [drive(tmp_path, f"drive{i}", code) for i, code in enumerate(codes)]
    with pytest.raises(BadInput, match=says):
        find_drive(BOARD, [*mounted, tmp_path])


def test_a_board_without_a_drive_is_told_so():
    with pytest.raises(BadInput, match="'blackpill_f411ce' has no drive"):
        find_drive(get_board("blackpill_f411ce"), [])


def test_what_the_probe_says_of_a_failure_is_quoted(tmp_path: Path):
    place = drive(tmp_path, "NODE_F446RE", "0777")

    def fails(done: int, total: int) -> None:
        (place / "FAIL.TXT").write_text("SWD ERROR\r\n")

    with pytest.raises(BoardError, match="could not program the chip: SWD ERROR"):
        copy_to(place, b"image", progress=fails)
    copy_to(place, b"image", progress=quiet)  # an old FAIL.TXT does not count


def test_a_drive_that_does_not_come_back_is_reported(tmp_path: Path):
    place = drive(tmp_path, "NODE_F446RE", "0777")
    (place / "MBED.HTM").unlink()
    with pytest.raises(PortError, match=r"has not come back in 0\.3 s"):
        copy_to(place, b"image", progress=quiet, back_s=0.3)


def test_an_image_that_does_not_begin_at_the_start_of_flash_is_refused(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(BadInput, match="from 0x08000000 on only"):
        write(Image((Segment(STM32_FLASH_BASE + 0x4000, b"x"),)), board=BOARD, port="", progress=quiet)
