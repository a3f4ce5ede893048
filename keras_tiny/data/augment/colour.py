"""Changes of a picture's colours. Ranges as in Albumentations 1.3."""

from __future__ import annotations

import numpy as np

Rng = np.random.Generator

TILES = 8
CLIP = (1.0, 4.0)  # of a tile's histogram, in multiples of its mean
PCA_DEVIATION = 0.1
BRIGHTNESS = 0.2
CONTRAST = 0.2
_GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def brightness_contrast(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """Contrast times 0.8 to 1.2, brightness plus or minus a fifth of the full range."""
    contrast, brightness = 1 + rng.uniform(-1, 1) * CONTRAST, rng.uniform(-1, 1) * BRIGHTNESS
    return to_uint8(picture * np.float32(contrast) + np.float32(brightness * 255))


def fancy_pca(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """Along the principal axes of the picture's colours (Krizhevsky et al., NeurIPS 2012, section 4.1)."""
    pixels = picture.reshape(-1, picture.shape[-1]).astype(np.float32) / 255
    variances, axes = np.linalg.eigh(np.atleast_2d(np.cov(pixels, rowvar=False)))
    strength = rng.normal(0, PCA_DEVIATION, len(variances)) * variances
    return to_uint8((picture / np.float32(255) + (axes @ strength).astype(np.float32)) * 255)


def clahe(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """Contrast-limited adaptive histogram equalisation of the brightness (Zuiderveld, Graphics Gems IV, 1994)."""
    grey = _brightness(picture)
    level = np.rint(grey).astype(np.uint8)
    height, width = level.shape
    rows, columns = (np.linspace(0, side, TILES + 1).astype(int) for side in (height, width))
    clip = rng.uniform(*CLIP)
    curves = np.array(
        [
            [
                _curve(level[rows[i] : rows[i + 1], columns[j] : columns[j + 1]], clip=clip)
                for j in range(TILES)
            ]
            for i in range(TILES)
        ]
    )
    # Each pixel between the curves of the four tiles whose centres are nearest.
    (top, down), (left, right) = _between(height), _between(width)
    next_top, next_left = np.minimum(top + 1, TILES - 1), np.minimum(left + 1, TILES - 1)
    upper = curves[top[:, None], left, level] * (1 - right) + curves[top[:, None], next_left, level] * right
    lower = (
        curves[next_top[:, None], left, level] * (1 - right)
        + curves[next_top[:, None], next_left, level] * right
    )
    equalised = upper * (1 - down[:, None]) + lower * down[:, None]
    return to_uint8(picture + (equalised - grey)[..., None])


def to_uint8(pixels: np.ndarray) -> np.ndarray:
    """Float pixels → uint8, rounded and cut off at 0 and 255."""
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def _brightness(picture: np.ndarray) -> np.ndarray:
    if picture.shape[-1] == 1:
        return picture[..., 0].astype(np.float32)
    return picture.astype(np.float32) @ _GREY


def _curve(tile: np.ndarray, *, clip: float) -> np.ndarray:
    """Level → level, float32 (256,): the tile's cumulated histogram, what exceeds the limit spread over all levels."""
    counts = np.bincount(tile.ravel(), minlength=256).astype(np.float32)
    if not tile.size:
        return np.arange(256, dtype=np.float32)
    limit = max(1.0, clip * tile.size / 256)
    spread = np.maximum(counts - limit, 0).sum() / 256
    return np.cumsum(np.minimum(counts, limit) + spread) * np.float32(255 / tile.size)


def _between(side: int) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel of a side: the tile whose centre lies before it, and how far it is to the next one, 0..1."""
    place = np.clip((np.arange(side) + 0.5) * TILES / side - 0.5, 0, TILES - 1)
    before = np.floor(place).astype(int)
    return before, (place - before).astype(np.float32)
