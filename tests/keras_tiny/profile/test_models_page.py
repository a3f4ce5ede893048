"""docs/reference/models.md is what its command writes, and says truly what fits."""

from __future__ import annotations

from pathlib import Path

from keras_tiny.models import MODELS
from keras_tiny.models.table import read_table
from keras_tiny.profile.models_page import (
    FIRMWARE_FLASH_BYTES,
    FIRMWARE_RAM_BYTES,
    Memory,
    lacks,
    markdown,
    memories,
)
from mcu.boards import load_boards

PAGE = Path(__file__).parents[3] / "docs/reference/models.md"


def test_the_page_is_what_the_command_writes() -> None:
    command = "python -m keras_tiny.profile.models_page > docs/reference/models.md"
    assert PAGE.read_text() == markdown(), f"run: {command}"


def test_every_model_has_a_row_and_a_board_of_silicon_that_it_fits() -> None:
    silicon = [kind for kind in memories() if not all(b.id.startswith("qemu") for b in kind.boards)]
    for name in MODELS:
        rows = [row for row in read_table() if row.model == name and row.arena_bytes is not None]
        assert rows, name
        assert any(not lacks(row, kind) for row in rows for kind in silicon), name


def test_every_board_whose_memory_is_limited_is_in_one_column() -> None:
    columns = [board.id for kind in memories() for board in kind.boards]
    assert sorted(columns) == sorted(name for name, board in load_boards().items() if board.ram_bytes)


def test_a_byte_too_much_does_not_fit() -> None:
    row = next(row for row in read_table() if row.arena_bytes is not None)
    assert row.arena_bytes_32bit is not None
    assert row.tflite_bytes is not None
    ram, flash = row.arena_bytes_32bit + FIRMWARE_RAM_BYTES, row.tflite_bytes + FIRMWARE_FLASH_BYTES
    assert lacks(row, Memory(flash, ram, ())) == ""
    assert lacks(row, Memory(flash, ram - 1, ())) == "R"
    assert lacks(row, Memory(flash - 1, ram, ())) == "F"
    assert lacks(row, Memory(flash - 1, ram - 1, ())) == "RF"
