"""Boxes, anchors and scores for hypothesis."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from keras_tiny.boxes import anchor_spec

SMALL_SPEC = anchor_spec(
    [(4, 4), (2, 2)], min_sizes=(0.2, 0.5), max_sizes=(0.5, 0.9), aspect_ratios=((2,), (2, 3))
)
ANCHORS = SMALL_SPEC.table()


@st.composite
def corners(draw: st.DrawFn, *, min_count: int = 0, max_count: int = 6) -> np.ndarray:
    """float32 (n, 4) boxes inside the unit square on a grid of 1/32, so that ties and touching edges occur."""
    count = draw(st.integers(min_count, max_count))
    rows = []
    for _ in range(count):
        x, y = draw(st.integers(0, 30)), draw(st.integers(0, 30))
        rows.append([x, y, draw(st.integers(x + 1, 32)), draw(st.integers(y + 1, 32))])
    return (np.array(rows, np.float32) / 32).reshape(count, 4)


def scores(count: int) -> st.SearchStrategy[np.ndarray]:
    """float32 (count,) of few values, so that ties occur."""
    values = st.lists(st.integers(0, 20), min_size=count, max_size=count)
    return values.map(lambda numbers: np.array(numbers, np.float32) / 20)
