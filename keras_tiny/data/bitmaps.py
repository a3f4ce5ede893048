"""Supervisely's bitmaps: base64 of a zlib stream of a PNG, whose opaque pixels are the object."""

from __future__ import annotations

import base64
import binascii
import zlib
from io import BytesIO

import numpy as np
from PIL import Image

from keras_tiny.errors import DataError

# A bitmap of the largest picture that is read, as an uncompressed RGBA PNG, is about 350 MB; a zlib stream of a few
# kilobytes can claim any number. A real one of FSOCO is a PNG of kilobytes.
MAX_INFLATED_BYTES = 16 << 20
MAX_PIXELS = 89_478_485


def decode_bitmap(text: str, *, name: str) -> np.ndarray:
    """bool (height, width), true where the object is: alpha of a PNG that has it, else every pixel above zero.

    Args:
        name: of the annotation, for the message.

    Raises:
        DataError: for text that is not base64, a stream that is damaged or inflates to more than
            `MAX_INFLATED_BYTES`, or no PNG in it.
    """
    try:
        packed = base64.b64decode(text, validate=True)
        inflate = zlib.decompressobj()
        data = inflate.decompress(packed, MAX_INFLATED_BYTES)
        if inflate.unconsumed_tail:
            raise ValueError(f"it inflates to more than {MAX_INFLATED_BYTES >> 20} MiB")
        if not inflate.eof:
            raise ValueError("its zlib stream ends early")
        with Image.open(BytesIO(data), formats=("PNG",)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"it claims more than {MAX_PIXELS:,} pixels")
            image.load()
            if image.has_transparency_data:
                return np.asarray(image.convert("RGBA"))[:, :, 3] > 0
            return np.asarray(image.convert("L")) > 0
    except binascii.Error as error:
        raise DataError(f"{name}: a bitmap is not base64: {error}.") from None
    except zlib.error as error:
        raise DataError(f"{name}: a bitmap's zlib stream is damaged: {error}.") from None
    except (ValueError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{name}: a bitmap cannot be decoded: {error}.", hint="Export it again.") from None


def paint(mask: np.ndarray, bitmap: np.ndarray, *, origin: tuple[int, int], value: int) -> None:
    """Write `value` where the bitmap is true, in place; what lies outside of the mask is clipped.

    Args:
        origin: (x, y) of the bitmap's upper left pixel in the mask; may be negative.
    """
    x, y = origin
    height, width = mask.shape
    top, left = max(0, y), max(0, x)
    bottom, right = min(height, y + bitmap.shape[0]), min(width, x + bitmap.shape[1])
    if top < bottom and left < right:
        inside = bitmap[top - y : bottom - y, left - x : right - x]
        mask[top:bottom, left:right][inside] = value
