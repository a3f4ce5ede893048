"""Shadow, fog and rain, painted over a picture. Ranges follow Albumentations 1.3."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from keras_tiny.data.augment.blur import box_blur
from keras_tiny.data.augment.colour import to_uint8

Rng = np.random.Generator

MOST_SHADOWS = 2
SHADOW_CORNERS = 5
SHADOW = 0.5  # of the brightness is left
FOG = (0.3, 1.0)
FOG_WHITE = 0.5  # how much of a picture the thickest fog covers
FOG_CELLS = 4
RAIN_BRIGHTNESS = 0.7
RAIN_SLANT_PX = 10  # at most, over the length of a drop
RAIN_DROP = 20 / 224  # length, as a share of the height
RAIN_AREA_PX = 600  # of picture to a drop
RAIN_COLOUR = 200


def shadow(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """One or two polygons in the lower half lose half their brightness."""
    height, width = picture.shape[:2]
    cast = Image.new("1", (width, height))
    for _ in range(rng.integers(1, MOST_SHADOWS + 1)):
        x = rng.integers(0, width, SHADOW_CORNERS)
        y = rng.integers(height // 2, height, SHADOW_CORNERS)
        ImageDraw.Draw(cast).polygon([(int(a), int(b)) for a, b in zip(x, y, strict=True)], fill=1)
    return np.where(np.asarray(cast)[..., None], to_uint8(picture * SHADOW), picture)


def fog(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """White, thicker in some places than in others, that changes slowly from place to place."""
    height, width = picture.shape[:2]
    cells = rng.uniform(0, 1, (FOG_CELLS, FOG_CELLS)).astype(np.float32)
    clouds = np.asarray(Image.fromarray(cells).resize((width, height), Image.Resampling.BICUBIC))
    cover = np.clip(clouds, 0, 1)[..., None] * rng.uniform(*FOG) * FOG_WHITE
    return to_uint8(picture * (1 - cover) + 255 * cover)


def rain(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """Grey strokes of one slant, blurred, over a darker picture."""
    height, width = picture.shape[:2]
    length = max(1, round(RAIN_DROP * height))
    slant = int(rng.integers(-RAIN_SLANT_PX, RAIN_SLANT_PX + 1))
    drops = Image.new("1", (width, height))
    painter = ImageDraw.Draw(drops)
    for _ in range(max(1, height * width // RAIN_AREA_PX)):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        painter.line([(x, y), (x + slant, y + length)], fill=1)
    wet = np.where(np.asarray(drops)[..., None], np.uint8(RAIN_COLOUR), picture)
    return to_uint8(box_blur(wet, rng) * RAIN_BRIGHTNESS)
