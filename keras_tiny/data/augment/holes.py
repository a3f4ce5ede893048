"""Changes that hide a part of a picture. Ranges as in Efficient UNet's training script."""

from __future__ import annotations

import numpy as np

from keras_tiny.data.sample import VOID

Rng = np.random.Generator

MOST_HOLES = 15
HOLE_PX = 8  # largest side of a hole


def coarse_dropout(picture: np.ndarray, mask: np.ndarray, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Up to fifteen black rectangles of up to 8x8 pixels; the mask stays: what is hidden is to be guessed."""
    picture = picture.copy()
    height, width = mask.shape
    tall, wide = rng.integers(1, HOLE_PX + 1, 2)
    for _ in range(rng.integers(1, MOST_HOLES + 1)):
        top, left = rng.integers(0, max(1, height - tall + 1)), rng.integers(0, max(1, width - wide + 1))
        picture[top : top + tall, left : left + wide] = 0
    return picture, mask


def mask_dropout(picture: np.ndarray, mask: np.ndarray, rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """One object, a connected patch of one class, is painted black and is ground (class 0) in the mask."""
    objects = np.flatnonzero((mask != 0) & (mask != VOID))
    if not len(objects):
        return picture, mask
    row, column = divmod(int(objects[rng.integers(len(objects))]), mask.shape[1])
    patch = connected(mask, row=row, column=column)
    return np.where(patch[..., None], np.uint8(0), picture), np.where(patch, np.uint8(0), mask)


def connected(mask: np.ndarray, *, row: int, column: int) -> np.ndarray:
    """bool (height, width): the pixels of the same class that hang together, edge by edge, with the one given."""
    same = np.pad(mask == mask[row, column], 1)
    found = np.zeros_like(same)
    found[row + 1, column + 1] = True
    count = 0
    while (now := int(found.sum())) > count:
        count = now
        grown = found.copy()
        grown[1:] |= found[:-1]
        grown[:-1] |= found[1:]
        grown[:, 1:] |= found[:, :-1]
        grown[:, :-1] |= found[:, 1:]
        found = grown & same
    return found[1:-1, 1:-1]
