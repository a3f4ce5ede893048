"""What a detector's four numbers per anchor mean (SSD, arXiv:1512.02325, equation 2)."""

from __future__ import annotations

import numpy as np

# A side this small, as a share of the picture, is a box nobody sees; its logarithm is still a number.
MIN_SIDE = 1e-6


def to_corners(centred: np.ndarray) -> np.ndarray:
    """(…, 4) centre x, centre y, width, height → xmin, ymin, xmax, ymax."""
    half = centred[..., 2:] / 2
    return np.concatenate([centred[..., :2] - half, centred[..., :2] + half], axis=-1)


def to_centred(corners: np.ndarray) -> np.ndarray:
    """(…, 4) xmin, ymin, xmax, ymax → centre x, centre y, width, height."""
    low, high = corners[..., :2], corners[..., 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=-1)


def encode(
    corners: np.ndarray, anchors: np.ndarray, *, center_variance: float = 0.1, size_variance: float = 0.2
) -> np.ndarray:
    """The outputs that would place each anchor on its box.

    Args:
        corners: float32 (…, count, 4), shares of the picture.
        anchors: float32 (count, 4), centre and size, as `AnchorSpec.table` gives them.

    Returns:
        float32 (…, count, 4): shift of the centre in anchor sides / center_variance, ln of the sides' ratio /
        size_variance. Always finite: sides below a millionth of the picture count as that.
    """
    centred = to_centred(corners)
    shift = (centred[..., :2] - anchors[:, :2]) / anchors[:, 2:] / np.float32(center_variance)
    sides = np.log(np.maximum(centred[..., 2:], MIN_SIDE) / anchors[:, 2:]) / np.float32(size_variance)
    return np.concatenate([shift, sides], axis=-1).astype(np.float32)


def decode(
    offsets: np.ndarray, anchors: np.ndarray, *, center_variance: float = 0.1, size_variance: float = 0.2
) -> np.ndarray:
    """The inverse of `encode`: (…, count, 4) outputs → corners as shares of the picture, which may reach beyond it."""
    centres = offsets[..., :2] * np.float32(center_variance) * anchors[:, 2:] + anchors[:, :2]
    # An untrained network can say anything; e^80 of a picture is as absurd as infinity, and is a number.
    growth = np.minimum(offsets[..., 2:] * np.float32(size_variance), np.float32(80))
    return to_corners(np.concatenate([centres, np.exp(growth) * anchors[:, 2:]], axis=-1).astype(np.float32))
