"""Weights that let rare classes count: ENet's and median frequency balancing, from the pixels of a training split."""

from __future__ import annotations

from typing import Literal

import numpy as np

ClassWeights = Literal["none", "balanced", "enet", "median_frequency"]


def pixel_counts(masks: np.ndarray, *, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Of masks uint8 (n, height, width), 255 void: pixels per class, and pixels of the pictures that have the class.

    Returns:
        two int64 (classes,).
    """
    counts = np.stack([np.bincount(mask.ravel(), minlength=256)[:num_classes] for mask in masks])
    return counts.sum(axis=0), ((counts > 0) * counts.sum(axis=1, keepdims=True)).sum(axis=0)


def mask_class_weights(masks: np.ndarray, *, num_classes: int, kind: ClassWeights) -> np.ndarray | None:
    """float32 (classes,), or None for "none".

    Args:
        kind: "enet": 1 / ln(1.1 + p), p being the class's share of the labelled pixels; 1.1 as in ESPNet's code, and
            1.02 in ENet's paper (arXiv:1606.02147). "median_frequency": median of the frequencies over the class's
            own, a frequency being counted in the pictures that have the class (arXiv:1411.4734). "balanced": 1 over
            the share, mean 1 over the pixels. A class without a pixel has weight 0 in the last two.
    """
    if kind == "none":
        return None
    pixels, present_in = pixel_counts(masks, num_classes=num_classes)
    total = pixels.sum()
    if not total:
        raise ValueError("the masks are void everywhere")
    share = pixels / total
    if kind == "enet":
        return (1.0 / np.log(1.10 + share)).astype(np.float32)
    there = pixels > 0
    if kind == "median_frequency":
        frequency = pixels[there] / present_in[there]
        values = np.median(frequency) / frequency
    else:
        values = 1.0 / (there.sum() * share[there])
    weights = np.zeros(num_classes, np.float32)
    weights[there] = values
    return weights
