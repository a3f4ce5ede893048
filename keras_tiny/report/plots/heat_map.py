"""A confusion matrix as a heat map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

from keras_tiny.report.plots.frame import svg, words


def heat_map(counts: np.ndarray, *, labels: Sequence[str], title: str) -> Markup:
    """Row is the truth, column the answer, each cell shaded by its share of the row.

    Args:
        counts: (classes, classes) integers.
        labels: one name per class.
    """
    classes = len(counts)
    # Room for a three-digit count; beyond 40 classes numbers would not be readable and shade alone tells.
    cell = 44 if classes <= 12 else 30 if classes <= 40 else 12
    longest = min(max(map(len, labels)), 14)
    tilted = longest > 4
    left, top = 20 + 7.5 * longest, 20 + (5.5 * longest if tilted else 8)
    parts = []
    for i, label in enumerate(labels):
        middle = (i + 0.5) * cell
        parts.append(words(label, left - 8, top + middle + 4, anchor="end"))
        parts.append(
            words(label, left + middle, top - 8, anchor="start" if tilted else "middle", tilted=tilted)
        )
    for row in range(classes):
        total = max(int(counts[row].sum()), 1)
        for column in range(classes):
            count = int(counts[row, column])
            says = f"{labels[row]} answered as {labels[column]}: {count} ({count / total:.1%})"
            x, y = left + column * cell, top + row * cell
            parts.append(_cell(count, count / total, x=x, y=y, side=cell, hit=row == column, says=says))
    # A tilted label of the last column reaches beyond the cells.
    beyond = 5.5 * longest if tilted else 10
    size = cell * classes
    return svg(parts, width=left + size + beyond, height=top + size + 6, title=title, shrinks_to=0.7)


def _cell(count: int, share: float, *, x: float, y: float, side: int, hit: bool, says: str) -> str:
    # Mistakes are few: a floor keeps a single one visible.
    shade = max(share, 0.12 if hit else 0.25) if count else 0.0
    box = (
        f'<rect class="cell {"hit" if hit else "miss"}" x="{x + 1:.1f}" y="{y + 1:.1f}" width="{side - 2}" '
        f'height="{side - 2}" rx="3" style="fill-opacity:{shade:.2f}"/>'
    )
    number = ""
    if count and side >= 30:
        number = words(str(count), x + side / 2, y + side / 2 + 4, kind="over" if shade > 0.55 else "count")
    return f"<g>{box}{number}<title>{escape(says)}</title></g>"
