"""Noise of a camera. Ranges as in Albumentations 1.3."""

from __future__ import annotations

import numpy as np
from PIL import Image

from keras_tiny.data.augment.colour import to_uint8

Rng = np.random.Generator

VARIANCE = (10.0, 50.0)  # of pixels 0..255
FACTOR = (0.9, 1.1)
HUE_SHIFT = (0.01, 0.05)  # in turns
INTENSITY = (0.1, 0.5)


def gauss_noise(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """Normal noise on every value, its variance drawn."""
    return to_uint8(picture + rng.normal(0, np.sqrt(rng.uniform(*VARIANCE)), picture.shape))


def multiplicative_noise(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """The whole picture times 0.9 to 1.1."""
    return to_uint8(picture * rng.uniform(*FACTOR))


def iso_noise(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """A sensor at a high sensitivity: noise of the hue, and of the brightness as much as the picture varies."""
    hue_shift, intensity = rng.uniform(*HUE_SHIFT), rng.uniform(*INTENSITY)
    shape = picture.shape[:2]
    grain = rng.poisson(picture.std() * intensity, shape) * (1 - picture.mean(axis=-1) / 255)
    if picture.shape[-1] == 1:
        return to_uint8(picture + grain[..., None])
    hue, saturation, value = np.split(np.asarray(Image.fromarray(picture).convert("HSV")), 3, axis=-1)
    turned = hue[..., 0] + rng.normal(0, hue_shift * intensity * 256, shape)
    brighter = to_uint8(value[..., 0] + grain)
    changed = np.stack([np.mod(turned, 256).astype(np.uint8), saturation[..., 0], brighter], axis=-1)
    return np.asarray(Image.fromarray(changed, "HSV").convert("RGB"))
