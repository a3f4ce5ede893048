"""Which anchor answers for which object, and which anchors the loss looks at (SSD, arXiv:1512.02325, section 2.2)."""

from __future__ import annotations

import numpy as np

from keras_tiny.boxes.coding import encode, to_corners
from keras_tiny.boxes.iou import iou

BACKGROUND = 0


def match(
    corners: np.ndarray, classes: np.ndarray, anchors: np.ndarray, *, threshold: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Give every anchor its object, and every object at least one anchor.

    An anchor answers for the object that it overlaps most, if their IoU is at least `threshold`. Besides, every object
    claims the anchor that overlaps it most; of several that claim the same one, the last gets it.

    Args:
        corners: float32 (n, 4), the objects as shares of the picture.
        classes: int (n,), 0-based, background not counted.
        anchors: float32 (count, 4), as `AnchorSpec.table` gives them.

    Returns:
        labels: int64 (count,), 0 for background, 1 + class for an object.
        corners: float32 (count, 4), the object's; of a background anchor its own, which encodes to zeros.
    """
    own = to_corners(anchors)
    labels = np.full(len(anchors), BACKGROUND, np.int64)
    if not len(corners):
        return labels, own
    overlap = iou(corners, own)
    owner = overlap.argmax(axis=0)
    matched = overlap.max(axis=0) >= threshold
    for index, (anchor, best) in enumerate(zip(overlap.argmax(axis=1), overlap.max(axis=1), strict=True)):
        if best > 0:
            owner[anchor], matched[anchor] = index, True
    labels[matched] = classes[owner[matched]] + 1
    return labels, np.where(matched[:, None], corners[owner], own)


def match_offsets(
    corners: np.ndarray,
    classes: np.ndarray,
    anchors: np.ndarray,
    *,
    threshold: float = 0.5,
    center_variance: float = 0.1,
    size_variance: float = 0.2,
) -> tuple[np.ndarray, np.ndarray]:
    """`match`, with the objects encoded: labels int64 (count,), offsets float32 (count, 4), 0 on background."""
    labels, matched = match(corners, classes, anchors, threshold=threshold)
    offsets = encode(matched, anchors, center_variance=center_variance, size_variance=size_variance)
    return labels, np.where(labels[:, None] == BACKGROUND, np.float32(0), offsets)


def mine(
    background_loss: np.ndarray, labels: np.ndarray, *, ratio: float = 3, minimum: int = 3
) -> np.ndarray:
    """The anchors whose class counts: all objects, and the background that the network finds hardest.

    Args:
        background_loss: float (count,), −ln p(background) per anchor of one picture.
        labels: int (count,), 0 is background.
        ratio: so many background anchors per object anchor are kept.
        minimum: but at least so many, because a picture without objects has something to teach, too.

    Returns:
        bool (count,); of equally hard ones the first are kept.
    """
    objects = labels != BACKGROUND
    wanted = max(int(ratio * objects.sum()), minimum)
    difficulty = np.where(objects, -np.inf, background_loss)
    kept = np.zeros(len(labels), bool)
    kept[np.argsort(-difficulty, kind="stable")[:wanted]] = True
    return objects | (kept & ~objects)
