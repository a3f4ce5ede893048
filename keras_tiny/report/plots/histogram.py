"""A histogram with its median and p99."""

from __future__ import annotations

from math import floor

import numpy as np
from markupsafe import Markup, escape

from keras_tiny.report.plots.frame import PLOT_WIDTH, grid_line, svg, ticks, words

_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 44, 12, 28, 30, 220
_MOST_BINS = 32


def histogram(values: np.ndarray, *, unit: str, title: str) -> Markup:
    """Counts of `values` (n,), n >= 1, with median and p99 marked; what is above p99 is one last bin.

    Without that last bin one slow sample on a busy computer would squeeze all others into a single column.
    """
    values = np.asarray(values)
    median, p99 = np.percentile(values, [50, 99])
    low, high, bins = float(values.min()), float(p99), _MOST_BINS
    # Whole numbers close together get a column each: finer bins would leave gaps that mean nothing. A board that
    # is exact to the cycle has one single latency, which needs a width to stand in anyway.
    if high - low < _MOST_BINS - 1 and np.issubdtype(values.dtype, np.integer):
        low, high = low - 0.5, floor(high) + 0.5
        bins = round(high - low)
    elif high - low < 1e-9:
        low, high, bins = low - 0.5, low + 0.5, 1
    counts, edges = np.histogram(values[values <= high], bins=bins, range=(low, high))
    beyond = int((values > high).sum())
    tallest = max(int(counts.max()), beyond)
    # One column of distance before the last bin: it has another scale.
    step = (PLOT_WIDTH - _LEFT - _RIGHT) / (bins + 2)
    ground, plot = _HEIGHT - _BOTTOM, _HEIGHT - _TOP - _BOTTOM

    def x_of(value: float) -> float:
        return _LEFT + step * bins * (value - low) / (high - low)

    parts = []
    for tick in ticks(0, tallest, about=4):
        y = ground - plot * tick / tallest
        parts += [
            grid_line(y, left=_LEFT, right=PLOT_WIDTH - _RIGHT),
            words(f"{tick:g}", _LEFT - 6, y + 4, anchor="end"),
        ]
    for i, count in enumerate(counts.tolist()):
        says = f"{_precise(edges[i])} to {_precise(edges[i + 1])} {unit}: {count}"
        parts.append(
            _column(_LEFT + step * i, ground, step, plot * count / tallest, kind="column", says=says)
        )
    if beyond:
        says = f"above {_precise(high)} {unit}: {beyond}"
        x = _LEFT + step * (bins + 1)
        parts.append(_column(x, ground, step, plot * beyond / tallest, kind="column beyond", says=says))
    parts += [words(f"{tick:,g}", x_of(tick), _HEIGHT - 10) for tick in ticks(low, high, about=5)]
    for name, value in (("median", median), ("p99", p99)):
        x = x_of(value)
        parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{ground}"/>')
        # Both fit on one line only if they look away from each other.
        anchor = "end" if name == "p99" and x > PLOT_WIDTH / 2 else "start"
        parts.append(words(f"{name} {_precise(value)} {unit}", x, _TOP - 14, anchor=anchor, kind="mark"))
    return svg(parts, width=PLOT_WIDTH, height=_HEIGHT, title=title)


def _precise(value: float) -> str:
    """Four digits: 14483 → "14,483", 14.4831 → "14.48"."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _column(x: float, ground: float, step: float, tall: float, *, kind: str, says: str) -> str:
    return (
        f'<rect class="{kind}" x="{x + 0.5:.1f}" y="{ground - tall:.1f}" width="{step - 1:.1f}" height="{tall:.1f}">'
        f"<title>{escape(says)}</title></rect>"
    )
