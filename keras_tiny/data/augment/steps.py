"""A list of random changes, applied to one picture and its mask in the order of the list.

The names are those of a recipe's `augment_steps`. A change moves things, and then the mask moves with the picture, or
it recolours the picture, or it spoils a part of both. What moves is one projective map each: neighbours in the list are
multiplied and the picture is resampled once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from keras_tiny.data.augment import blur, colour, geometry, holes, noise, weather
from keras_tiny.data.augment.resample import resample
from keras_tiny.recipe import AugmentStep

Rng = np.random.Generator


# Moves: (mask, matrix so far, rng) → matrix; `geometry` says of what.
_MOVES: dict[str, Callable[[np.ndarray, np.ndarray, Rng], np.ndarray]] = {
    "whole": geometry.whole,
    "crop_to_mask": geometry.crop_to_mask,
    "flip": geometry.flip,
    "flip_vertical": geometry.flip_vertical,
    "transpose": geometry.transpose,
    "rotate": geometry.rotate,
    "shift_scale_rotate": geometry.shift_scale_rotate,
    "perspective": geometry.perspective,
}
# Recolours: (picture uint8, rng) → picture uint8.
_RECOLOURS: dict[str, Callable[[np.ndarray, Rng], np.ndarray]] = {
    "shadow": weather.shadow,
    "fog": weather.fog,
    "rain": weather.rain,
    "clahe": colour.clahe,
    "fancy_pca": colour.fancy_pca,
    "brightness_contrast": colour.brightness_contrast,
    "sharpen": blur.sharpen,
    "motion_blur": blur.motion_blur,
    "median_blur": blur.median_blur,
    "glass_blur": blur.glass_blur,
    "gaussian_blur": blur.gaussian_blur,
    "box_blur": blur.box_blur,
    "iso_noise": noise.iso_noise,
    "gauss_noise": noise.gauss_noise,
    "multiplicative_noise": noise.multiplicative_noise,
}
# Hides: (picture, mask, rng) → both.
_HIDES: dict[str, Callable[[np.ndarray, np.ndarray, Rng], tuple[np.ndarray, np.ndarray]]] = {
    "coarse_dropout": holes.coarse_dropout,
    "mask_dropout": holes.mask_dropout,
}

STEPS = (*_MOVES, *_RECOLOURS, *_HIDES)


def change(
    picture: np.ndarray, mask: np.ndarray, steps: Sequence[AugmentStep], *, rng: Rng
) -> tuple[np.ndarray, np.ndarray]:
    """A picture uint8 (height, width, channels) and its mask uint8 (height, width) after all steps; copies.

    The mask is never blended, and what comes from beyond the edge is the mirror image, in both.
    """
    matrix = np.eye(3)
    for step in steps:
        if rng.random() >= step.p:
            continue
        name = step.of[rng.integers(len(step.of))]
        if name in _MOVES:
            matrix = _MOVES[name](mask, matrix, rng)
            continue
        picture, mask = resample(picture, mask, matrix)
        matrix = np.eye(3)
        if name in _RECOLOURS:
            picture = _RECOLOURS[name](picture, rng)
        else:
            picture, mask = _HIDES[name](picture, mask, rng)
    picture, mask = resample(picture, mask, matrix)
    return picture.copy(), mask.copy()
