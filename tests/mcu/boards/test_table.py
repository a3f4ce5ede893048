"""docs/reference/boards.md is what the command writes, and the example of the how-to is a board that loads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mcu.boards import BOARDS_VARIABLE, get_board
from mcu.boards.table import markdown
from mcu.flash.image import Image, Segment
from mcu.flash.plan import STM32_FLASH_BASE, plan_sectors

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_of_boards_is_what_the_command_writes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(BOARDS_VARIABLE, raising=False)
    page = (DOCS / "reference" / "boards.md").read_text()
    assert page == markdown(), "run: python -m mcu.boards.table > docs/reference/boards.md"


def test_the_example_of_the_how_to_is_a_board_that_can_be_planned_for(tmp_path: Path):
    text = (DOCS / "how_to" / "add_a_board.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "my_f405.toml").write_text(example)
    board = get_board("my_f405", folder=tmp_path)
    sectors = plan_sectors(Image((Segment(STM32_FLASH_BASE, bytes(100_000)),)), board)
    assert [sector.size // 1024 for sector in sectors] == [16, 16, 16, 16, 64]
