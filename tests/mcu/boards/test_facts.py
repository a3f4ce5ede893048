"""The boards' figures beside those of PlatformIO's board files: two sources that were written apart."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mcu.boards import get_board

with Path(__file__).with_name("platformio.csv").open(newline="", encoding="utf-8") as file:
    ROWS = {row["board"]: row for row in csv.DictReader(file)}

# Where the two differ, and why.
LESS_RAM_IN_ONE_PIECE = {
    "nucleo_l476rg": 98_304,
    "b_l475e_iot01a": 98_304,
}  # 32 KiB lie apart, at 0x1000_0000
FASTER = {"nucleo_h743zi2": 480_000_000}  # silicon revision V; PlatformIO's file is of revision Y's board


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_chip_clock_flash_and_ram_are_those_of_platformio(row: dict[str, str]):
    board = get_board(row["board"])
    assert board.chip.lower().replace("-", "") == row["mcu"]
    assert board.clock_hz == FASTER.get(board.id, int(row["f_cpu"]))
    assert board.flash_bytes == int(row["maximum_size"])
    assert board.ram_bytes == LESS_RAM_IN_ONE_PIECE.get(board.id, int(row["maximum_ram_size"]))


@pytest.mark.parametrize("row", ROWS.values(), ids=list(ROWS))
def test_platformios_name_of_the_board_is_its_files(row: dict[str, str]):
    assert get_board(row["board"]).platformio_id == Path(row["file"]).stem
