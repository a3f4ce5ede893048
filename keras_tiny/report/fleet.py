"""The report of several boards: what each of them answered, side by side, with a link to its own page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keras_tiny.report.page import render


@dataclass(frozen=True)
class FleetRow:
    """One board; figures are None where it failed.

    Attributes:
        error: why it failed; empty if it did not.
        score: of the task's metric, 0..1.
        report: link to its own page; empty if there is none.
    """

    id: str
    platform: str
    port: str
    error: str
    samples: int | None
    mismatched_samples: int | None
    score: float | None
    latency_us: float | None
    goodput_bytes_per_s: float | None
    retransmits: int | None
    report: str


@dataclass(frozen=True)
class FleetPage:
    """Everything on the page, ready to print.

    Attributes:
        share: "every" sample for each board, or "split" among the boards of a platform.
        metric: what `score` is; empty for a task without.
        together: platform → score over the samples that its boards shared.
        left_out: id → why, of boards that were not used.
        made: rows of the small table.
    """

    name: str
    data: str
    share: str
    bit_exact: bool
    failed: int
    metric: str
    rows: tuple[FleetRow, ...]
    together: Mapping[str, float | None] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)


def render_fleet(page: FleetPage) -> str:
    """The page as one HTML file: no script, nothing fetched."""
    return render("fleet.html.j2", page=page)
