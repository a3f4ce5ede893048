"""A histogram with its median and p99."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup, escape

from keras_tiny.report.plots.frame import PLOT_WIDTH, grid_line, svg, ticks, words

_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 44, 12, 28, 30, 220
_BINS = 32


def histogram(values: np.ndarray, *, unit: str, title: str) -> Markup:
    """Counts of `values` (n,), n >= 1, with median and p99 marked; what is above p99 is one last bin.

    Without that last bin one slow sample on a busy computer would squeeze all others into a single column.
    """
    values = np.asarray(values, np.float64)
    median, p99 = np.percentile(values, [50, 99])
    low, high = float(values.min()), float(p99)
    # A board that is exact to the cycle has one single latency; it needs a width to stand in.
    if high - low < 1e-9:
        low, high = low - 0.5, low + 0.5
    counts, edges = np.histogram(values[values <= high], bins=_BINS, range=(low, high))
    beyond = int((values > high).sum())
    tallest = max(int(counts.max()), beyond)
    # One column of distance before the last bin: it has another scale.
    step = (PLOT_WIDTH - _LEFT - _RIGHT) / (_BINS + 2)
    floor, plot = _HEIGHT - _BOTTOM, _HEIGHT - _TOP - _BOTTOM

    def x_of(value: float) -> float:
        return _LEFT + step * _BINS * (value - low) / (high - low)

    parts = []
    for tick in ticks(0, tallest, about=4):
        y = floor - plot * tick / tallest
        parts += [
            grid_line(y, left=_LEFT, right=PLOT_WIDTH - _RIGHT),
            words(f"{tick:g}", _LEFT - 6, y + 4, anchor="end"),
        ]
    for i, count in enumerate(counts.tolist()):
        says = f"{edges[i]:,.0f} to {edges[i + 1]:,.0f} {unit}: {count}"
        parts.append(_column(_LEFT + step * i, floor, step, plot * count / tallest, kind="column", says=says))
    if beyond:
        says = f"above {high:,.0f} {unit}: {beyond}"
        x = _LEFT + step * (_BINS + 1)
        parts.append(_column(x, floor, step, plot * beyond / tallest, kind="column beyond", says=says))
    parts += [words(f"{tick:,g}", x_of(tick), _HEIGHT - 10) for tick in ticks(low, high, about=5)]
    for name, value in (("median", median), ("p99", p99)):
        x = x_of(value)
        parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8}" y2="{floor}"/>')
        # Both fit on one line only if they look away from each other.
        anchor = "end" if name == "p99" and x > PLOT_WIDTH / 2 else "start"
        parts.append(words(f"{name} {value:,.0f} {unit}", x, _TOP - 14, anchor=anchor, kind="mark"))
    return svg(parts, width=PLOT_WIDTH, height=_HEIGHT, title=title)


def _column(x: float, floor: float, step: float, tall: float, *, kind: str, says: str) -> str:
    return (
        f'<rect class="{kind}" x="{x + 0.5:.1f}" y="{floor - tall:.1f}" width="{step - 1:.1f}" height="{tall:.1f}">'
        f"<title>{escape(says)}</title></rect>"
    )
