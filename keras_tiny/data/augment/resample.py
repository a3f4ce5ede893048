"""A picture and its mask read through one projective map: the picture blended, the mask not."""

from __future__ import annotations

import numpy as np


def resample(picture: np.ndarray, mask: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Picture uint8 (height, width, channels) and mask uint8 (height, width), moved.

    Args:
        matrix: (3, 3), takes a place (x, y, 1) of the new picture to that of the old one, up to scale. Places are in
            pixels from the upper left corner: the centre of the first pixel is (0.5, 0.5). What lies beyond an edge is
            the mirror image.
    """
    if np.array_equal(matrix, np.eye(3)):
        return picture, mask
    height, width = mask.shape
    y, x = np.mgrid[0:height, 0:width] + 0.5
    x, y, scale = np.tensordot(matrix, np.stack([x, y, np.ones_like(x)]), axes=1)
    scale = np.where(np.abs(scale) < 1e-6, 1e-6, scale)  # a place on the horizon
    x, y = x / scale, y / scale
    moved = mask[_mirrored(np.floor(y), height), _mirrored(np.floor(x), width)]
    left, top = np.floor(x - 0.5), np.floor(y - 0.5)
    right, down = (x - 0.5 - left)[..., None], (y - 0.5 - top)[..., None]
    columns = _mirrored(left, width), _mirrored(left + 1, width)
    rows = _mirrored(top, height), _mirrored(top + 1, height)
    pixels = picture.astype(np.float32)
    upper = pixels[rows[0], columns[0]] * (1 - right) + pixels[rows[0], columns[1]] * right
    lower = pixels[rows[1], columns[0]] * (1 - right) + pixels[rows[1], columns[1]] * right
    blended = upper * (1 - down) + lower * down
    return np.clip(np.rint(blended), 0, 255).astype(np.uint8), moved


def _mirrored(index: np.ndarray, size: int) -> np.ndarray:
    """Any whole number → an index, the picture and its mirror image side by side without end."""
    wrapped = np.clip(index, -1e6, 1e6).astype(np.int64) % (2 * size)
    return np.minimum(wrapped, 2 * size - 1 - wrapped)
