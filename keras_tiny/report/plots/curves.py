"""Curves over epochs or steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from markupsafe import Markup

from keras_tiny.report.plots.frame import PLOT_WIDTH, grid_line, svg, ticks, words

# Defined for light and dark in templates/page.css.
_COLORS = ("--s1", "--s2", "--s3", "--s4", "--s5")
_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 52, 110, 12, 34, 260
_WIDE, _TALL = PLOT_WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
_LINE_HEIGHT = 14


def curves(series: Mapping[str, Sequence[float]], *, x_name: str, title: str) -> Markup:
    """Lines over 1, 2, 3 …, each named where it ends; a value that is not finite leaves a gap.

    Args:
        series: name → values, e.g. {"loss": [...], "val_loss": [...]}; one to five.
        x_name: what is counted, e.g. "epoch".
    """
    if not 1 <= len(series) <= len(_COLORS):
        raise ValueError(f"curves draws 1 to {len(_COLORS)} series, got {len(series)}")
    finite = [value for values in series.values() for value in values if isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    if high - low < 1e-12:
        low, high = low - 0.5, high + 0.5
    steps = max(len(values) for values in series.values())

    def point(step: int, value: float) -> tuple[float, float]:
        return _LEFT + _WIDE * (step - 1) / max(steps - 1, 1), _TOP + _TALL * (high - value) / (high - low)

    parts = []
    for tick in ticks(low, high, about=4):
        y = point(1, tick)[1]
        parts += [
            grid_line(y, left=_LEFT, right=_LEFT + _WIDE),
            words(f"{tick:g}", _LEFT - 6, y + 4, anchor="end"),
        ]
    whole = [int(tick) for tick in ticks(1, steps, about=6) if tick == int(tick)]
    parts += [words(str(tick), point(tick, low)[0], _HEIGHT - 16) for tick in whole]
    parts.append(words(x_name, _LEFT + _WIDE, _HEIGHT - 2, anchor="end"))

    ends = []
    for (name, values), color in zip(series.items(), _COLORS, strict=False):
        runs: list[list[tuple[float, float]]] = [[]]
        for step, value in enumerate(values, start=1):
            if isfinite(value):
                runs[-1].append(point(step, value))
            elif runs[-1]:
                runs.append([])
        drawn = [run for run in runs if run]
        for run in drawn:
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in run)
            parts.append(f'<polyline class="line" style="stroke:var({color})" points="{line}"/>')
        if drawn:
            x, y = drawn[-1][-1]
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" style="fill:var({color})"/>')
            ends.append((y, name, color))
    ends.sort()
    for y, (_, name, color) in zip(_apart([end[0] + 4 for end in ends]), ends, strict=True):
        parts.append(words(name, _LEFT + _WIDE + 8, y, anchor="start", style=f"fill:var({color})"))
    return svg(parts, width=PLOT_WIDTH, height=_HEIGHT, title=title)


def _apart(ascending: Sequence[float]) -> list[float]:
    """Base lines of names, a line apart: curves that end together step down, those at the bottom step up."""
    placed: list[float] = []
    for y in ascending:
        placed.append(max(y, placed[-1] + _LINE_HEIGHT) if placed else y)
    limit = _TOP + _TALL + 4.0
    for index in reversed(range(len(placed))):
        placed[index] = min(placed[index], limit)
        limit = placed[index] - _LINE_HEIGHT
    return placed
