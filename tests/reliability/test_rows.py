"""Every row of the table of reliability holds: at small counts on every commit, at more in the slow run."""

from __future__ import annotations

import pytest

from tests.reliability.page import PAGE, read_store, render
from tests.reliability.row import Row
from tests.reliability.rows import ROWS
from tests.support import require

QUICK = [row for row in ROWS.values() if row.quick]
# A hundredth of the long run: enough to see that the row still runs.
SLOW = [row for row in ROWS.values() if not row.quick]


def _holds(row: Row, count: int) -> None:
    for tool in row.tools:
        require(tool)
    outcome = row.run(count)
    assert outcome.holds, outcome.seen


@pytest.mark.parametrize("row", QUICK, ids=lambda row: row.name)
def test_a_row_holds(row: Row):
    _holds(row, row.quick)


@pytest.mark.slow
@pytest.mark.parametrize("row", SLOW, ids=lambda row: row.name)
def test_a_row_that_takes_longer_holds(row: Row):
    _holds(row, max(2, row.full // 100))


def test_the_page_shows_what_was_seen():
    page = PAGE.read_text(encoding="utf-8")
    assert render(page, read_store()) == page


def test_what_was_seen_belongs_to_a_row_and_held():
    for name, last in read_store().items():
        assert name in ROWS
        assert last["holds"], f"{name}: {last['seen']}"
