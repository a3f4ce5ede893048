"""One box per object: non-maximum suppression, hard and soft (Soft-NMS, Bodla et al., arXiv:1704.04503)."""

from __future__ import annotations

import numpy as np

from keras_tiny.boxes.iou import iou

MAX_CANDIDATES = 200


def nms(
    corners: np.ndarray,
    scores: np.ndarray,
    *,
    iou_threshold: float = 0.45,
    score_threshold: float = 0.01,
    max_candidates: int = MAX_CANDIDATES,
) -> np.ndarray:
    """Keep the best box, drop what overlaps it by more than `iou_threshold`, and so on down.

    Args:
        corners: float32 (n, 4), in any unit.
        scores: float32 (n,); boxes with a score at or below `score_threshold` are not looked at.
        max_candidates: only so many of the best are looked at, which bounds the work at any input.

    Returns:
        int64 indices of the kept boxes, best first; of equal scores the lower index comes first.
    """
    order = _best(scores, score_threshold=score_threshold, max_candidates=max_candidates)
    dropped = iou(corners[order], corners[order]) > iou_threshold
    alive = np.ones(len(order), bool)
    for place in range(len(order)):
        if alive[place]:
            alive[place + 1 :] &= ~dropped[place, place + 1 :]
    return order[alive]


def soft_nms(
    corners: np.ndarray,
    scores: np.ndarray,
    *,
    sigma: float = 0.5,
    score_threshold: float = 0.01,
    max_candidates: int = MAX_CANDIDATES,
) -> tuple[np.ndarray, np.ndarray]:
    """Lower the scores of what overlaps a better box, by e^(−IoU²/sigma), instead of dropping it.

    Args:
        corners, scores, max_candidates: as in `nms`.
        score_threshold: boxes that come to be at or below it are dropped.

    Returns:
        int64 indices of the kept boxes and their new float32 scores, best first.
    """
    order = _best(scores, score_threshold=score_threshold, max_candidates=max_candidates)
    weights = np.exp(-(iou(corners[order], corners[order]) ** 2) / np.float32(sigma))
    left = scores[order].astype(np.float32)
    places: list[int] = []
    kept: list[np.float32] = []
    for _ in range(len(order)):
        best = int(left.argmax())
        if left[best] <= score_threshold:
            break
        places.append(best)
        kept.append(left[best])
        left = left * weights[best]
        left[places] = -1
    return order[places], np.array(kept, np.float32)


def _best(scores: np.ndarray, *, score_threshold: float, max_candidates: int) -> np.ndarray:
    candidates = np.flatnonzero(scores > score_threshold)
    return candidates[np.argsort(-scores[candidates], kind="stable")[:max_candidates]]
