"""Intersection over union of boxes given by their corners."""

from __future__ import annotations

import numpy as np


def area(corners: np.ndarray) -> np.ndarray:
    """(…, 4) xmin ymin xmax ymax → (…,); 0 for a box whose sides are turned round."""
    return np.maximum(corners[..., 2] - corners[..., 0], 0) * np.maximum(corners[..., 3] - corners[..., 1], 0)


def intersection(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Area that every box of `first` (n, 4) shares with every box of `second` (m, 4): (n, m)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(high - low, 0)
    return sides[..., 0] * sides[..., 1]


def iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """0..1 for every box of `first` (n, 4) with every box of `second` (m, 4): (n, m).

    Two boxes without area share nothing: 0, not 0/0.
    """
    shared = intersection(first, second)
    union = area(first)[:, None] + area(second)[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
