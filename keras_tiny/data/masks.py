"""Mask files → uint8 (height, width) of classes, 255 where nothing is labelled; every decision on odd ones is here.

- Grey and palette files hold numbers: of a palette file (Pascal VOC, Cityscapes) the index counts, not the colour.
- Colour files need a palette that says which colour is which class; a colour that is in none is an error, because it
  is what a lossy format or a resize with blending leaves behind.
- A mask is drawn on the upright picture; an EXIF orientation of its own is not applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from keras_tiny.data.sample import VOID
from keras_tiny.errors import DataError
from keras_tiny.preprocessing.image import MAX_PIXELS

# Lossless only: JPEG would blend classes into others that were never there.
FORMATS = ("PNG", "BMP", "GIF", "TIFF", "PPM")
EXTENSIONS = frozenset(["png", "bmp", "gif", "tif", "tiff", "ppm", "pgm"])

Colour = tuple[int, int, int]

_ORIENTATION_TAG = 0x0112  # EXIF 2.32


@dataclass(frozen=True)
class MaskCoding:
    """What the pixels of a mask file stand for.

    Attributes:
        values: number in a grey or palette file → class, `VOID` for none; a number that is not here is an error.
        colours: RGB in a colour file → class, `VOID` for none; empty where the set has no colour files.
    """

    values: Mapping[int, int] = field(default_factory=dict)
    colours: Mapping[Colour, int] = field(default_factory=dict)

    @classmethod
    def numbered(cls, classes: int, *, void: tuple[int, ...] = (VOID,)) -> MaskCoding:
        """Class k is the number k; the numbers of `void` are void."""
        return cls({**{index: index for index in range(classes)}, **{value: VOID for value in void}})


def read_mask(source: str | Path | bytes, coding: MaskCoding, *, name: str | None = None) -> np.ndarray:
    """Decode a mask file to classes, uint8 (height, width), `VOID` where nothing is labelled.

    Args:
        source: a path, or the bytes of a file.
        name: for the message; the path by default.

    Raises:
        DataError: naming the file, if it is missing or damaged, of a lossy format, has a number or a colour that
            `coding` does not know, or colours where it knows none.
    """
    name = name or ("The mask" if isinstance(source, bytes) else str(source))
    pixels = read_pixels(source, name=name)
    return _by_value(pixels, coding, name) if pixels.ndim == 2 else _by_colour(pixels, coding, name)


def read_pixels(source: str | Path | bytes, *, name: str) -> np.ndarray:
    """The numbers of a file as they are: integers (height, width), or colours uint8 (height, width, 3)."""
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
    except OSError as error:
        raise DataError(f"Cannot read the mask {name}: {error.strerror or error}.") from error
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"it claims more than {MAX_PIXELS:,} pixels")
            image.load()
            if image.mode in ("L", "P", "1") or image.mode.startswith("I"):
                return np.asarray(image.convert("L") if image.mode == "1" else image)
            return np.asarray(image.convert("RGB"))
    except Image.UnidentifiedImageError as error:
        raise DataError(
            f"{name} is not a mask that can be read ({len(data)} bytes).",
            hint=f"Masks are {', '.join(FORMATS)}: a lossy format such as JPEG invents labels.",
        ) from error
    # Pillow's decoders answer damaged bytes with exceptions of a dozen types; each means the same to the user.
    except Exception as error:
        raise DataError(
            f"The mask {name} cannot be decoded: {error}.", hint="Replace or remove it."
        ) from error


def require_size_of(picture: Path, mask: np.ndarray) -> None:
    """DataError unless the mask has the height and width of the upright picture; only its header is read."""
    try:
        with Image.open(picture) as image:
            width, height = image.size
            if image.getexif().get(_ORIENTATION_TAG, 1) >= 5:  # 5 to 8 are quarter turns
                width, height = height, width
    except Exception:  # whoever decodes the picture says what is wrong with it
        return
    if mask.shape != (height, width):
        raise DataError(
            f"{picture} is {width}x{height} pixels, its mask {mask.shape[1]}x{mask.shape[0]}.",
            hint="Masks are drawn pixel by pixel; export them at the picture's size.",
        )


def resize_mask(mask: np.ndarray, *, height: int, width: int) -> np.ndarray:
    """uint8 (height, width) → the given size, each pixel the class of the nearest one: none is ever blended."""
    if mask.shape == (height, width):
        return mask
    return np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST))


def _by_value(pixels: np.ndarray, coding: MaskCoding, name: str) -> np.ndarray:
    known = np.array(sorted(coding.values), np.int64)
    found = np.unique(pixels).astype(np.int64)
    unknown = np.setdiff1d(found, known)
    if unknown.size:
        classes = sorted({value for value in coding.values.values() if value != VOID})
        raise DataError(
            f"The mask {name} has the label {unknown[0]} in {int((pixels == unknown[0]).sum())} pixels; "
            f"the {len(classes)} classes and void are {_ranges(known.tolist())}.",
            hint="Name it as a class, or as void.",
        )
    table = np.full(int(known.max(initial=0)) + 1, VOID, np.uint8)
    table[known] = [coding.values[value] for value in known.tolist()]
    return table[pixels]


def _by_colour(pixels: np.ndarray, coding: MaskCoding, name: str) -> np.ndarray:
    if not coding.colours:
        raise DataError(
            f"The mask {name} has colours, and nothing says which colour is which class.",
            hint="Give a palette: class → [red, green, blue].",
        )
    keys = (pixels.astype(np.uint32) << np.array([16, 8, 0], np.uint32)).sum(axis=2)
    known = {(red << 16) | (green << 8) | blue: c for (red, green, blue), c in coding.colours.items()}
    found, inverse = np.unique(keys, return_inverse=True)
    unknown = [key for key in found.tolist() if key not in known]
    if unknown:
        colour = [unknown[0] >> 16, unknown[0] >> 8 & 255, unknown[0] & 255]
        raise DataError(
            f"The mask {name} has the colour {colour} in {int((keys == unknown[0]).sum())} pixels"
            f"{f', and {len(unknown) - 1} more colours' if len(unknown) > 1 else ''} that the palette does not know.",
            hint="Name it as a class, or as void; blended colours come from a lossy format or a smooth resize.",
        )
    return np.array([known[key] for key in found.tolist()], np.uint8)[inverse].reshape(keys.shape)


def _ranges(values: list[int]) -> str:
    """[0, 1, 2, 255] → "0..2, 255"."""
    parts: list[list[int]] = []
    for value in values:
        if parts and parts[-1][-1] == value - 1:
            parts[-1] = [parts[-1][0], value]
        else:
            parts.append([value])
    return ", ".join("..".join(map(str, part)) for part in parts)
