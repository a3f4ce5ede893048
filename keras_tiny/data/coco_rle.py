"""COCO's masks of one object: polygons, and run lengths by columns, plain or as text (cocodataset.org, "Data format").

Counts alternate between pixels outside and inside of the object, outside first, down each column in turn. As text, each
count is the difference to the one two before (from the fourth on), five bits per character, the lowest first, with a
bit for "more follows", shifted to begin at "0" (cocoapi, maskApi.c).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

_MOST_COUNT = 1 << 32
_ENLARGED = 4


def decode_segmentation(segmentation: Any, *, height: int, width: int) -> np.ndarray:
    """bool (height, width), true inside of the object.

    Args:
        segmentation: a list of polygons [x, y, x, y, …] in pixels, or {"size": [height, width], "counts": …}.

    Raises:
        ValueError: of another form, size, or with counts of more or fewer pixels.
    """
    if isinstance(segmentation, list):
        return _polygons(segmentation, height=height, width=width)
    if not isinstance(segmentation, dict) or "counts" not in segmentation:
        raise ValueError("the segmentation is neither polygons nor run lengths")
    if [int(side) for side in segmentation.get("size", ())] != [height, width]:
        raise ValueError(
            f"the run lengths are of {segmentation.get('size')}, the picture of {[height, width]}"
        )
    counts = segmentation["counts"]
    lengths = _from_text(counts) if isinstance(counts, str) else [int(count) for count in counts]
    if any(length < 0 for length in lengths) or sum(lengths) != height * width:
        raise ValueError(f"the run lengths are {sum(lengths)} pixels, the picture {height * width}")
    inside = np.arange(len(lengths)) % 2 == 1
    return np.repeat(inside, lengths).reshape(width, height).T


def _from_text(text: str) -> list[int]:
    lengths: list[int] = []
    at = 0
    while at < len(text):
        value = shift = 0
        while True:
            if at == len(text) or shift > 35:
                raise ValueError("a run length does not end")
            bits = ord(text[at]) - 48
            if not 0 <= bits < 64:
                raise ValueError(f"the run lengths hold the character {text[at]!r}")
            at += 1
            value |= (bits & 31) << shift
            shift += 5
            if not bits & 32:
                break
        if bits & 16:  # negative
            value -= 1 << shift
        if len(lengths) > 2:
            value += lengths[-2]
        if not 0 <= value < _MOST_COUNT:
            raise ValueError(f"a run length is {value}")
        lengths.append(value)
    return lengths


def _polygons(polygons: list[Any], *, height: int, width: int) -> np.ndarray:
    # Pillow fills the pixels on the outline too. Drawn larger and read at the middle of each pixel, that is a quarter
    # of a pixel; and COCO's coordinates run along the edges of pixels, Pillow's along their centres.
    canvas = Image.new("1", (_ENLARGED * width, _ENLARGED * height))
    draw = ImageDraw.Draw(canvas)
    for polygon in polygons:
        points = [_ENLARGED * float(value) - 0.5 for value in polygon]
        if len(points) < 6 or len(points) % 2:
            raise ValueError(f"a polygon has {len(points)} numbers; it takes x and y of three points or more")
        draw.polygon(list(zip(points[::2], points[1::2], strict=True)), fill=1)
    middle = slice(_ENLARGED // 2, None, _ENLARGED)
    return np.array(canvas, bool)[middle, middle]
