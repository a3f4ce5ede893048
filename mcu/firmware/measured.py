"""Latencies that `mcu validate` has measured: run records that lie beside a bundle (docs/reference/hil_run.md)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mcu.errors import BadInput
from mcu.firmware.latency import Latency

RECORD_NAME = "hil_run.json"


def run_records(path: Path, *, runs: Path | None = None) -> tuple[tuple[Path, dict[str, Any]], ...]:
    """(file, content) of the records beside a bundle or a file, one folder deep, and of those below `runs`.

    Raises:
        BadInput: `runs` is no folder.
    """
    if runs is not None and not runs.is_dir():
        raise BadInput(f"There is no folder {runs} with run records.")
    beside = path.resolve().parent
    found = {*beside.glob(RECORD_NAME), *beside.glob(f"*/{RECORD_NAME}")}
    if runs is not None:
        found.update(each.resolve() for each in runs.rglob(RECORD_NAME))
    return tuple((each, content) for each in sorted(found) if (content := _content(each)) is not None)


def measured_latency(
    records: tuple[tuple[Path, dict[str, Any]], ...], *, model_sha256: str, board: str, engine: str
) -> Latency | None:
    """What was measured of this very model on this board with this engine; the newest of several."""
    chosen = max(
        _matching(records, model_sha256, board, engine),
        key=lambda each: str(each[1].get("created")),
        default=None,
    )
    if chosen is None:
        return None
    path, content = chosen
    spread = content["latency_us"]
    return Latency(
        kind="measured",
        us=float(spread["median"]),
        low_us=float(spread["min"]),
        high_us=float(spread["max"]),
        instructions=content.get("instructions_per_inference"),
        instructions_error=0.0,
        source=str(path),
    )


def _matching(
    records: tuple[tuple[Path, dict[str, Any]], ...], model_sha256: str, board: str, engine: str
) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path, content in records:
        of = (content.get("model_sha256"), content.get("board"), content.get("engine"))
        if (
            of == (model_sha256, board, engine)
            and content.get("latency_us")
            and content.get("complete", True)
        ):
            yield path, content


def _content(path: Path) -> dict[str, Any] | None:
    """A file of that name that is no record of ours is nobody's error here."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
