"""A picture file → uint8 pixels → the model's float input, with Pillow; every decision on odd pictures is here.

- The EXIF orientation is applied; of a file with several pictures (GIF, TIFF, MPO) the first is taken.
- Transparency is composited over white, the colour of the page that most viewers show behind it, so that a dark
  drawing on a transparent ground stays visible.
- 16-bit grey is scaled, 0..65535 to 0..255 and rounded, not clipped.
- Colour becomes grey as 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601, as Pillow does it); grey becomes colour by
  repetition. Embedded colour profiles are not applied.
- The resize stretches: the whole picture is kept, its aspect ratio is not.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from keras_tiny.errors import BadInput, DataError
from keras_tiny.preprocessing.spec import PreprocessingSpec

EXTENSIONS = frozenset(["jpg", "jpeg", "png", "bmp", "gif", "webp", "tif", "tiff", "ppm", "pgm"])

# Only these decoders run, whatever a file calls itself: EPS, for one, would start Ghostscript.
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")

# 256 MiB as RGB. A small file can claim far more ("decompression bomb"); Pillow warns from here on.
MAX_PIXELS = 89_478_485

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}

# EXIF 2.32, tag 0x0112: what was done to the picture, and what therefore puts it upright.
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_image(source: str | Path | bytes, *, channels: Literal[1, 3]) -> np.ndarray:
    """Decode a picture to uint8 (height, width, channels).

    Args:
        source: a path, or the bytes of a picture file.
        channels: 3 for RGB, 1 for grey.

    Raises:
        DataError: naming the file, if it is missing, corrupt, truncated, larger than `MAX_PIXELS`, of a format
            that is not in `FORMATS`, or of floating-point pixels (whose white is not known).
    """
    name = "The picture" if isinstance(source, bytes) else str(source)
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
    except OSError as error:
        raise DataError(f"Cannot read {name}: {error.strerror or error}.") from error
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            image.load()
            return _to_array(_eight_bits(_upright(image)), channels)
    except Image.DecompressionBombError as error:
        raise DataError(
            f"{name} claims more than {MAX_PIXELS:,} pixels.", hint="Shrink it first, or remove it."
        ) from error
    except Image.UnidentifiedImageError as error:
        raise DataError(
            f"{name} is not a picture that can be read ({len(data)} bytes).",
            hint=f"Readable are {', '.join(FORMATS)}.",
        ) from error
    # Pillow's decoders answer damaged bytes with exceptions of a dozen types; each means the same to the user.
    except Exception as error:
        raise DataError(f"{name} cannot be decoded: {error}.", hint="Replace or remove it.") from error


def resize(image: np.ndarray, spec: PreprocessingSpec) -> np.ndarray:
    """uint8 (height, width, 1 or 3) → uint8 (spec.height, spec.width, spec.channels), channels first, then size."""
    _require_pixels(image)
    height, width, channels = image.shape
    if channels == 3 and spec.channels == 1:
        image = np.asarray(Image.fromarray(image).convert("L"))[:, :, None]
    if (height, width) != (spec.height, spec.width):
        plane = image[:, :, 0] if image.shape[2] == 1 else image
        resized = Image.fromarray(np.ascontiguousarray(plane)).resize(
            (spec.width, spec.height), _RESAMPLING[spec.resize]
        )
        image = np.asarray(resized).reshape(spec.height, spec.width, -1)
    if image.shape[2] < spec.channels:
        image = np.repeat(image, 3, axis=2)
    return np.array(image, np.uint8, order="C")


def normalise(pixels: np.ndarray, spec: PreprocessingSpec) -> np.ndarray:
    """uint8 (…, spec.channels) → float32 of the same shape, `(pixel - mean) / std` per channel."""
    mean = np.asarray(spec.mean, np.float32)
    std = np.asarray(spec.std, np.float32)
    return (pixels.astype(np.float32) - mean) / std


def prepare(image: np.ndarray, spec: PreprocessingSpec) -> np.ndarray:
    """uint8 (height, width, 1 or 3) → float32 (spec.height, spec.width, spec.channels): the model's input."""
    return normalise(resize(image, spec), spec)


def _upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # a damaged EXIF block; the pixels beside it are whole
        return image
    method = _UPRIGHT.get(orientation)
    return image if method is None else image.transpose(method)


def _eight_bits(image: Image.Image) -> Image.Image:
    """The same picture in mode L or RGB, without transparency."""
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers; save it with 8 or 16 bits per channel")
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65535:
            raise ValueError(f"its pixels reach from {values.min()} to {values.max()}, beyond 0..65535")
        return Image.fromarray(((values + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        page = Image.new("RGBA", coloured.size, (255, 255, 255, 255))
        page.alpha_composite(coloured)
        return page.convert("L" if image.mode in ("1", "L", "LA") else "RGB")
    return image.convert("L" if image.mode == "1" else "RGB")


def _to_array(image: Image.Image, channels: Literal[1, 3]) -> np.ndarray:
    pixels = np.array(image.convert("L" if channels == 1 else "RGB"))
    return pixels.reshape(image.height, image.width, channels)


def _require_pixels(image: np.ndarray) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3) or 0 in image.shape:
        raise BadInput(
            f"Expected uint8 pixels (height, width, 1 or 3), got {image.dtype} {image.shape}.",
            hint="Read pictures with keras_tiny.preprocessing.image.read_image.",
        )
