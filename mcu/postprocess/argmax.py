"""The class with the largest score per pixel: the Python twin of `kt_argmax`."""

from __future__ import annotations

import numpy as np


def argmax(scores: np.ndarray) -> np.ndarray:
    """int8 (..., channels) → uint8 (...), the index of the largest score, the lowest one of equals.

    All channels of an int8 tensor share scale and zero point, so that logits and probabilities need no dequantizing.

    Args:
        scores: 1 to 256 channels.
    """
    scores = np.asarray(scores)
    if scores.dtype != np.int8 or not scores.ndim or not 1 <= scores.shape[-1] <= 256:
        raise ValueError(f"scores are {scores.dtype} {scores.shape}; expected int8 with 1 to 256 channels")
    return scores.argmax(axis=-1).astype(np.uint8)
