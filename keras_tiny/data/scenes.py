"""Scenes of real digits on textured ground, composed on demand: `digits_scenes` has boxes, two more have masks.

Each scene is 160x160 RGB with one to six of the packaged digits (see `digits`), 16 to 56 pixels on their longer side,
turned and coloured, over gradients, noise and shapes that are no digits. Scenes of a split show digits of that split
only, so what a network saw in training it never sees in the test. A scene depends on its name alone: the same
pictures on every machine and with every seed, so that figures stay comparable. `digits_masks` says of every pixel which
digit's ink it is, `digits_ink` only whether it is ink.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw

from keras_tiny.boxes import Boxes
from keras_tiny.boxes.iou import area, intersection, iou
from keras_tiny.data.digits import SPLITS, packed
from keras_tiny.data.sample import BACKGROUND, Dataset, Split
from keras_tiny.data.source import ImageSize, preprocessing_for
from keras_tiny.errors import DataError

SIDE = 160
SCENES = {"train": 4000, "val": 400, "test": 500}
MOST_DIGITS = 6
DIGIT_SIDES = (17, 55)  # of the patch, pixels; the box around its ink is at most a pixel off: 16 to 56
MOST_OVERLAP = 0.2  # IoU of two boxes
MOST_HIDDEN = (
    0.3  # share of the smaller box that the other may cover: a small digit must not sit on a large one
)
INK = 128  # a pixel with at least half its area inked belongs to the digit

_LICENCE = "CC BY 4.0: digits of E. Alpaydin, C. Kaynak, UCI, 1998; composed by keras-tiny"
_LEAST_CONTRAST = 70  # of luma, 0..255, between a digit and the ground below it
_CANVAS = 64  # side at which a digit is turned and cut out


@dataclass(frozen=True)
class Scene:
    """One composed picture.

    Attributes:
        image: uint8 (160, 160, 3).
        boxes: around each digit's ink; the class is the digit.
        mask: uint8 (160, 160), 0 for the ground, 1 + digit for its ink.
    """

    image: np.ndarray
    boxes: Boxes
    mask: np.ndarray


def load_scenes(
    path: str = "",
    *,
    image_size: ImageSize | None = None,
    channels: Literal[1, 3] | None = None,
    seed: int = 0,
) -> Dataset:
    """`digits_scenes`: 4,000, 400 and 500 scenes with a box per digit, for detection; 160x160 RGB by default.

    Args:
        path: none, the digits are in the package.
        image_size: side or (height, width) of the model's input; 160 by default.
        channels: 3 (default) or 1.
        seed: without effect, the scenes are fixed.
    """
    del seed
    return _dataset("digits_scenes", path, image_size=image_size, channels=channels)


def load_masks(
    path: str = "",
    *,
    image_size: ImageSize | None = None,
    channels: Literal[1, 3] | None = None,
    seed: int = 0,
) -> Dataset:
    """`digits_masks`: the same scenes with a mask of the digits' ink, for segmentation: background and ten digits.

    Arguments as in `load_scenes`.
    """
    del seed
    return _dataset("digits_masks", path, image_size=image_size, channels=channels)


def load_ink(
    path: str = "",
    *,
    image_size: ImageSize | None = None,
    channels: Literal[1, 3] | None = None,
    seed: int = 0,
) -> Dataset:
    """`digits_ink`: the same scenes with a mask of all ink, for segmentation: background and ink.

    Arguments as in `load_scenes`.
    """
    del seed
    return _dataset("digits_ink", path, image_size=image_size, channels=channels)


def compose(split: Literal["train", "val", "test"], index: int) -> Scene:
    """The scene of that number, 0 to `SCENES[split]` - 1."""
    rng = np.random.default_rng([SPLITS.index(split), index])
    ground = _ground(rng)
    canvas = np.asarray(ground, np.float32).copy()
    mask = np.zeros((SIDE, SIDE), np.uint8)
    pixels, labels, split_of = packed()
    own = np.flatnonzero(split_of == SPLITS.index(split))
    corners: list[tuple[int, int, int, int]] = []
    classes: list[int] = []
    for _ in range(rng.integers(1, MOST_DIGITS + 1)):
        digit = int(own[rng.integers(len(own))])
        ink = _ink(pixels[digit], side=int(rng.integers(*DIGIT_SIDES, endpoint=True)), rng=rng)
        place = _place(ink, corners, rng)
        if place is None:
            continue
        x, y, box = place
        rows, columns = slice(y, y + ink.shape[0]), slice(x, x + ink.shape[1])
        colour = _colour(canvas[rows, columns].mean(axis=(0, 1)), rng)
        share = ink[:, :, None].astype(np.float32) / 255
        canvas[rows, columns] += share * (colour - canvas[rows, columns])
        mask[rows, columns][ink >= INK] = 1 + labels[digit]
        corners.append(box)
        classes.append(int(labels[digit]))
    return Scene(np.rint(canvas).astype(np.uint8), Boxes.of(corners, classes), mask)


def scene_name(source: str, split: str, index: int) -> str:
    """The stable id of a scene, e.g. "digits_scenes/test/0007"."""
    return f"{source}/{split}/{index:04d}"


def _dataset(
    source: Literal["digits_scenes", "digits_masks", "digits_ink"],
    path: str,
    *,
    image_size: ImageSize | None,
    channels: Literal[1, 3] | None,
) -> Dataset:
    if path:
        raise DataError(f"The source '{source}' takes no path, got '{path}'.", hint=f"Write {source}.")
    spec = preprocessing_for(image_size, channels=channels, side=SIDE)
    detection = source == "digits_scenes"
    digits = tuple(str(digit) for digit in range(10))
    labels = {
        "digits_scenes": digits,
        "digits_masks": (BACKGROUND, *digits),
        "digits_ink": (BACKGROUND, "ink"),
    }

    def mask(sample: str) -> np.ndarray:
        drawn = _scene(sample).mask
        return np.minimum(drawn, 1) if source == "digits_ink" else drawn.copy()

    def split(name: str) -> Split:
        return Split(
            name,
            [scene_name(source, name, index) for index in range(SCENES[name])],
            None,
            lambda sample: _scene(sample).image.copy(),
            read_boxes=(lambda sample: _scene(sample).boxes) if detection else None,
            read_mask=None if detection else mask,
        )

    return Dataset(
        source=source,
        task="detection" if detection else "segmentation",
        labels=labels[source],
        preprocessing=spec,
        train=split("train"),
        val=split("val"),
        test=split("test"),
        licence=_LICENCE,
    )


@lru_cache(maxsize=64)
def _scene(name: str) -> Scene:
    """Picture and truth of a sample are asked for one after the other: the scene is composed once."""
    _, split, index = name.split("/")
    return compose(split, int(index))  # type: ignore[arg-type]


def _ground(rng: np.random.Generator) -> Image.Image:
    """Soft colours, grain, and up to eight filled shapes and lines that run through: nothing like a digit."""
    soft = Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8)).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC
    )
    cells = int(rng.integers(10, 41))
    texture = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), np.uint8))
    ground = Image.blend(
        soft, texture.resize((SIDE, SIDE), Image.Resampling.BILINEAR), float(rng.uniform(0.05, 0.3))
    )
    draw = ImageDraw.Draw(ground)
    for _ in range(rng.integers(0, 9)):
        _draw_distractor(draw, rng)
    grain = rng.standard_normal((SIDE, SIDE, 1), np.float32) * np.float32(rng.uniform(1, 8))
    return Image.fromarray(np.clip(np.asarray(ground) + grain, 0, 255).astype(np.uint8))


def _draw_distractor(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    colour = tuple(int(value) for value in rng.integers(0, 256, 3))
    x, y = (float(value) for value in rng.uniform(0, SIDE, 2))
    radius = float(rng.uniform(6, 24))
    kind = rng.integers(4)
    if kind == 0:
        draw.ellipse([x - radius, y - radius / 2, x + radius, y + radius / 2], fill=colour)
    elif kind == 1:
        draw.rectangle([x, y, x + radius, y + float(rng.uniform(6, 40))], fill=colour)
    elif kind == 2:
        turn = rng.uniform(0, 2 * np.pi, 3)
        draw.polygon([(x + radius * np.cos(a), y + radius * np.sin(a)) for a in turn], fill=colour)
    else:
        # From edge to edge: a short line would be a one.
        a, b = (float(value) for value in rng.uniform(0, SIDE, 2))
        ends = [(0, a), (SIDE, b)] if rng.random() < 0.5 else [(a, 0), (b, SIDE)]
        draw.line(ends, fill=colour, width=int(rng.integers(1, 5)))


@cache
def _large(digit: bytes) -> Image.Image:
    """The 8x8 digit, smoothly enlarged with room around it to turn in."""
    margin = (_CANVAS - 48) // 2
    canvas = Image.new("L", (_CANVAS, _CANVAS))
    small = Image.frombytes("L", (8, 8), digit)
    canvas.paste(small.resize((48, 48), Image.Resampling.BICUBIC), (margin, margin))
    return canvas


def _ink(digit: np.ndarray, *, side: int, rng: np.random.Generator) -> np.ndarray:
    """uint8 (height, width), the longer of which is `side`: how much of each pixel is inked, turned by up to 12°."""
    turned = _large(digit.tobytes()).rotate(float(rng.uniform(-12, 12)), Image.Resampling.BILINEAR)
    cut = turned.crop(turned.point(lambda value: 255 if value >= INK else 0).getbbox())
    scale = side / max(cut.size)
    width, height = (max(4, round(length * scale)) for length in cut.size)
    return np.asarray(cut.resize((width, height), Image.Resampling.BILINEAR))


def _place(
    ink: np.ndarray, taken: list[tuple[int, int, int, int]], rng: np.random.Generator
) -> tuple[int, int, tuple[int, int, int, int]] | None:
    """Where the patch goes, and the box around its ink; None if there is no room after 30 tries."""
    rows, columns = np.flatnonzero((ink >= INK).any(axis=1)), np.flatnonzero((ink >= INK).any(axis=0))
    for _ in range(30):
        x = int(rng.integers(0, SIDE - ink.shape[1] + 1))
        y = int(rng.integers(0, SIDE - ink.shape[0] + 1))
        box = (x + int(columns[0]), y + int(rows[0]), x + int(columns[-1]) + 1, y + int(rows[-1]) + 1)
        if not _crowded(np.array([box], np.float32), np.array(taken, np.float32).reshape(-1, 4)):
            return x, y, box
    return None


def _crowded(box: np.ndarray, others: np.ndarray) -> bool:
    hidden = intersection(box, others) / np.minimum(area(box), area(others))
    return bool((iou(box, others) > MOST_OVERLAP).any() or (hidden > MOST_HIDDEN).any())


def _colour(ground: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A colour that stands out from the mean colour below, in luma (ITU-R BT.601)."""
    weights = np.array([0.299, 0.587, 0.114])
    below = float(ground @ weights)
    for _ in range(20):
        colour = rng.integers(0, 256, 3)
        if abs(float(colour @ weights) - below) >= _LEAST_CONTRAST:
            return colour.astype(np.float32)
    return np.full(3, 255 if below < 128 else 0, np.float32)
