"""Boxes drawn on a picture, with a word each: what was there, what was found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

TRUTH = (40, 200, 80)
FOUND = (255, 120, 0)

_LEAST_SIDE = 240  # smaller pictures are enlarged first, so that lines and words have room


def draw_boxes(
    image: np.ndarray, corners: np.ndarray, words: Sequence[str], *, colour: tuple[int, int, int]
) -> np.ndarray:
    """The picture, enlarged if it is small, with a frame and a word for each box; uint8 (height, width, 3).

    Args:
        image: uint8 (height, width, 1 or 3).
        corners: (n, 4), xmin ymin xmax ymax as shares of the picture's sides.
        words: n of them; an empty one draws the frame only.
    """
    picture = Image.fromarray(np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3))))
    factor = max(1, -(-_LEAST_SIDE // min(picture.size)))
    width, height = picture.width * factor, picture.height * factor
    picture = picture.resize((width, height), Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(picture)
    for box, word in zip(np.asarray(corners) * [width, height, width, height], words, strict=True):
        xmin, ymin, xmax, ymax = (float(value) for value in box)
        draw.rectangle([xmin, ymin, max(xmax - 1, xmin), max(ymax - 1, ymin)], outline=colour, width=2)
        if word:
            left, top, right, bottom = draw.textbbox((xmin + 2, ymin), word)
            draw.rectangle([left - 2, top, right + 1, bottom + 1], fill=colour)
            draw.text((xmin + 2, ymin), word, fill=(0, 0, 0))
    return np.asarray(picture)
