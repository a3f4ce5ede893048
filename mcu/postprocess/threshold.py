"""Foreground or not, for networks with one output channel: the Python twin of `kt_threshold`."""

from __future__ import annotations

import math

import numpy as np

from mcu.errors import BadInput
from mcu.tensor import TensorSpec


def threshold(scores: np.ndarray, *, above: int) -> np.ndarray:
    """int8 → uint8 of the same shape: 1 where the score is greater than `above`, else 0."""
    scores = np.asarray(scores)
    if scores.dtype != np.int8:
        raise ValueError(f"scores are {scores.dtype}; expected int8")
    return (scores.astype(np.int16) > above).astype(np.uint8)


def int8_threshold(probability: float, tensor: TensorSpec, *, logits: bool) -> int:
    """The `above` of `threshold` that stands for a probability, -129 to 127.

    `q > above` for an integer q exactly where `(q - zero_point) * scale` is greater than the probability, or than
    its logit. -129 lets everything pass, 127 nothing.

    Args:
        probability: 0 < probability < 1.
        tensor: the output, with its scale and zero point.
        logits: the network gives logits, not probabilities.

    Raises:
        BadInput: a probability out of range.
    """
    if not 0 < probability < 1:
        raise BadInput(f"The threshold is a probability between 0 and 1, received {probability}.")
    score = math.log(probability / (1 - probability)) if logits else probability
    return max(-129, min(127, math.floor(score / tensor.scale) + tensor.zero_point))
