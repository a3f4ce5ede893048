"""results.json → the tables of results.md, between their markers; the words around them are written by hand."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import Any

from tests.benchmarks.results import distillation
from tests.benchmarks.results.tables import TABLES, Table

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
PAGE = REFERENCE / "results.md"
STORE = REFERENCE / "results.json"
METRICS = ("float", "ptq", "qat", "board")
COLUMNS = (
    "row | input | params | MACs | int8 bytes | arena bytes | {metric}: float | PTQ | QAT | board | bit-exact | epochs "
    "| minutes"
)


def read_store() -> dict[str, list[dict[str, Any]]]:
    """Table name → the rows that were measured."""
    return json.loads(STORE.read_text(encoding="utf-8")) if STORE.is_file() else {}


def store_row(table: Table, figures: dict[str, Any]) -> None:
    """Put a row in its place of results.json and write the page's tables anew."""
    measured = {row["name"]: row for row in read_store().get(table.name, [])} | {figures["name"]: figures}
    store_rows(table.name, [measured[row.name] for row in table.rows if row.name in measured])


def store_rows(name: str, rows: list[dict[str, Any]]) -> None:
    """Put all rows of a table into results.json and write the page's tables anew."""
    store = read_store() | {name: rows}
    STORE.write_text(json.dumps(store, indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8"), store), encoding="utf-8")


def render(page: str, store: dict[str, list[dict[str, Any]]]) -> str:
    """The page with the tables that the stored rows give.

    Raises:
        ValueError: the page has no place for a table, `<!-- table: NAME -->` to `<!-- end -->`.
    """
    for name, rows in store.items():
        pattern = re.compile(rf"(<!-- table: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not pattern.search(page):
            raise ValueError(f"{PAGE.name} has no place for the table {name}.")
        table = (
            distillation.to_markdown(rows) if name == distillation.NAME else to_markdown(TABLES[name], rows)
        )
        page = pattern.sub(lambda found, table=table: found[1] + table + found[2], page)  # type: ignore[misc]
    return page


def to_markdown(table: Table, rows: list[dict[str, Any]]) -> str:
    header = COLUMNS.format(metric=rows[0]["metric"])
    lines = [
        f"`python -m tests.benchmarks.results --table {table.name} --real-data DIR`",
        "",
        f"| {header} |",
        "|---|---|" + "--:|" * (header.count("|") - 1),
    ]
    for row in rows:
        shares = " | ".join(f"{row[which]:.2%}" for which in METRICS)
        equal = row["samples"] - row["mismatched_samples"]
        lines.append(
            f"| {row['name']} | {row['input']} | {row['params']:,} | {row['macs']:,} | {row['tflite_bytes']:,} "
            f"| {row['arena_bytes']:,} | {shares} | {equal}/{row['samples']} | {row['epochs']} "
            f"| {row['training_minutes']} |"
        )
    if table.seeds:
        means = (statistics.mean(row[which] for row in rows) for which in METRICS)
        lines.append("| mean | | | | | | " + " | ".join(f"{mean:.2%}" for mean in means) + " | | | |")
    elif len(rows) > 1:
        lines += ["", _lowest(rows)]
    return "\n".join(lines) + "\n"


def _lowest(rows: list[dict[str, Any]]) -> str:
    """Where int8 is worst: what PTQ, QAT and the board have lost at most, and in which row."""
    said = []
    for which, label in (("ptq", "PTQ"), ("qat", "QAT"), ("board", "board")):
        worst = min(rows, key=lambda row: row[which] - row["float"])
        said.append(f"{label} {100 * (worst[which] - worst['float']):+.2f} points (`{worst['name']}`)")
    return f"The lowest against float: {', '.join(said)}."
