"""A dot on a short line that fills a table cell: shares that lie close together, told apart."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor

from markupsafe import Markup


def dot(share: float, *, start: float) -> Markup:
    """A dot at `share` on a line from `start` to 1; a dot, not a bar, because the line does not begin at 0."""
    x = 4 + 92 * (min(max(share, start), 1.0) - start) / (1.0 - start)
    return Markup(
        '<svg class="dot" viewBox="0 0 100 10" aria-hidden="true"><line x1="4" x2="96" y1="5" y2="5"/>'
        f'<circle cx="{x:.2f}" cy="5" r="3.2"/></svg>'
    )


def dot_start(shares: Iterable[float | None]) -> float:
    """Where the lines of one table begin: the tenth below the smallest share, and at most 0.9."""
    known = [share for share in shares if share is not None]
    return min(floor(min(known, default=0.0) * 10 + 1e-9) / 10, 0.9)
