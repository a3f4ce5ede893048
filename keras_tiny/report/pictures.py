"""Pictures inside the page: uint8 array → PNG as a data URI."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image


def png_uri(image: np.ndarray, *, longest: int = 160) -> str:
    """uint8 (height, width, channels), channels 1 or 3 → `data:image/png;base64,…`.

    Args:
        longest: pictures with a longer side, in pixels, are shrunk to it; the page must stay small enough to mail.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (1, 3):
        raise ValueError(f"expected uint8 (height, width, 1 or 3), got {image.dtype} {image.shape}")
    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    picture.thumbnail((longest, longest), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
