"""The comparison page: every row names its project by a link, and says what keras-tiny lacks beside it."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/comparison.md"


def rows() -> list[list[str]]:
    """Cells of the table, without its head."""
    section = PAGE.read_text(encoding="utf-8").split("## Row by row")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def test_every_row_has_its_source_and_what_we_lack():
    assert len(rows()) >= 10
    for cells in rows():
        assert len(cells) == 5, cells[0]
        name, what, lacking, ours, source = cells
        assert "](https://" in name, f"{name}: no link"
        assert all((what, lacking, ours, source)), name


def test_what_we_lack_is_a_list_of_its_own():
    section = PAGE.read_text(encoding="utf-8").split("## What we lack")[1].split("\n## ")[0]
    assert len(re.findall(r"^\d+\. ", section, re.MULTILINE)) >= 5
