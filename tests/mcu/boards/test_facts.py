"""The boards' figures beside those of others: sources that were written apart.

platformio.csv: PlatformIO's board files. mbed.csv: mbed-os-tools 1.8.15 (detect/platform_database.py) and mbed-tools
7.59.0 (board_database_snapshot.json). usb.csv: usb.ids 2025.07.26, and who else says so.
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mcu.boards import get_board, load_boards


def table(name: str) -> list[dict[str, str]]:
    with Path(__file__).with_name(name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


ROWS = {row["board"]: row for row in table("platformio.csv")}

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


def test_every_code_of_a_probes_drive_is_the_boards_in_both_databases_of_mbed():
    rows = {row["board"]: row for row in table("mbed.csv")}
    assert rows.keys() == {board.id for board in load_boards().values() if board.flash.mbed_code}
    for board, row in rows.items():
        assert get_board(board).flash.mbed_code == row["code"]
        assert row["mbed_os_tools"] == row["mbed_tools"]
        assert row["mbed_tools"].lower().split("_")[1][:4] in get_board(board).chip.lower()


def test_every_usb_identity_is_somebody_elses_too():
    rows = {row["usb"]: row for row in table("usb.csv")}
    assert rows.keys() == {str(usb) for board in load_boards().values() for usb in board.usb}
    assert all(row["usb_ids"] or row["second"] for row in rows.values())
