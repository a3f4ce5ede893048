"""Blurs, and their opposite. Kernels of 3, 5 or 7 pixels, as in Albumentations 1.3."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from keras_tiny.data.augment.colour import to_uint8

Rng = np.random.Generator

SIDES = (3, 5, 7)
SHARPEN = (0.2, 0.5)  # share of the sharpened picture
LIGHTNESS = (0.5, 1.0)
GLASS_PX = 4  # how far a pixel may jump
GLASS_DEVIATION = 0.7
GLASS_TIMES = 2


def box_blur(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """The mean over a square."""
    return _filtered(picture, ImageFilter.BoxBlur(int(rng.choice(SIDES)) // 2))


def gaussian_blur(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """With the deviation that a kernel of 3, 5 or 7 pixels stands for in OpenCV."""
    return _filtered(picture, ImageFilter.GaussianBlur(0.3 * ((int(rng.choice(SIDES)) - 1) / 2 - 1) + 0.8))


def median_blur(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """The median over a square."""
    return _filtered(picture, ImageFilter.MedianFilter(int(rng.choice(SIDES))))


def motion_blur(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """The mean along a straight line through a square."""
    side = int(rng.choice(SIDES))
    line = Image.new("1", (side, side))
    start, end = (tuple(int(at) for at in rng.integers(0, side, 2)) for _ in range(2))
    ImageDraw.Draw(line).line([start, end], fill=1)
    return convolve(picture, np.asarray(line, np.float32))


def glass_blur(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """As through rough glass: pixels jump up to 4 places, twice, with a slight blur before and after."""
    soft = ImageFilter.GaussianBlur(GLASS_DEVIATION)
    picture = _filtered(picture, soft)
    height, width = picture.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    for _ in range(GLASS_TIMES):
        down, right = rng.integers(-GLASS_PX, GLASS_PX + 1, (2, height, width))
        picture = picture[np.clip(rows + down, 0, height - 1), np.clip(columns + right, 0, width - 1)]
    return _filtered(picture, soft)


def sharpen(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """Blended with itself less its eight neighbours."""
    share, lightness = rng.uniform(*SHARPEN), rng.uniform(*LIGHTNESS)
    edges = -np.ones((3, 3), np.float32)
    edges[1, 1] = 8 + lightness
    identity = np.zeros((3, 3), np.float32)
    identity[1, 1] = 1
    return to_uint8(_summed(picture, (1 - share) * identity + share * edges))


def convolve(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The mean of a picture's pixels weighted by a square kernel; at the edges the picture is mirrored."""
    return to_uint8(_summed(picture, kernel / kernel.sum()))


def _summed(picture: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    half = len(kernel) // 2
    height, width = picture.shape[:2]
    wide = np.pad(picture.astype(np.float32), ((half, half), (half, half), (0, 0)), mode="symmetric")
    summed = np.zeros(picture.shape, np.float32)
    for row, column in zip(*np.nonzero(kernel), strict=True):
        summed += kernel[row, column] * wide[row : row + height, column : column + width]
    return summed


def _filtered(picture: np.ndarray, kernel: ImageFilter.Filter) -> np.ndarray:
    grey = picture.shape[-1] == 1
    filtered = np.asarray(Image.fromarray(picture[..., 0] if grey else picture).filter(kernel))
    return filtered[..., None] if grey else filtered
