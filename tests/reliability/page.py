"""reliability.json → the table of reliability in results.md; the words around it are written by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.reliability.row import Outcome, Row
from tests.reliability.rows import ROWS

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
PAGE = REFERENCE / "results.md"
STORE = REFERENCE / "reliability.json"
_PLACE = re.compile(r"(<!-- reliability -->\n).*?(<!-- end -->)", re.DOTALL)


def read_store() -> dict[str, dict[str, Any]]:
    """Name of a row → count, holds, in_time, seen, seconds and date of its last long run."""
    return json.loads(STORE.read_text(encoding="utf-8")) if STORE.is_file() else {}


def store_outcome(row: Row, outcome: Outcome, *, count: int, seconds: float, date: str) -> None:
    """Put a row's outcome into reliability.json and write the page's table anew."""
    store = read_store()
    store[row.name] = {
        "count": count,
        "holds": outcome.holds,
        "in_time": outcome.in_time,
        "seen": outcome.seen,
        "seconds": round(seconds, 1),
        "date": date,
    }
    store = {name: store[name] for name in ROWS if name in store}
    STORE.write_text(json.dumps(store, indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8"), store), encoding="utf-8")


def render(page: str, store: dict[str, dict[str, Any]]) -> str:
    """The page with the table that the store gives.

    Raises:
        ValueError: the page has no place for it, `<!-- reliability -->` to `<!-- end -->`.
    """
    if not _PLACE.search(page):
        raise ValueError(f"{PAGE.name} has no place for the table of reliability.")
    lines = ["| row | what must hold | tried | of | seen | date |", "|---|---|--:|--:|---|---|"]
    for name, row in ROWS.items():
        if name not in store:
            continue
        last = store[name]
        seen = last["seen"] if last["holds"] else f"**does not hold**: {last['seen']}"
        seen += "" if last["in_time"] else " (**too late**: the computer was busy, or the row does not hold)"
        lines.append(
            f"| {name} | {row.claim} | {last['count']:,} {row.unit} | {row.full:,} | {seen} | {last['date']} |"
        )
    table = "\n".join(lines) + "\n"
    return _PLACE.sub(lambda found: found[1] + table + found[2], page)
