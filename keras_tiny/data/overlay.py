"""Masks → colours that a person can tell apart, alone or over the picture."""

from __future__ import annotations

import numpy as np

from keras_tiny.data.sample import VOID

_OPACITY = 0.55
_VOID_COLOUR = (128, 128, 128)
_RIGHT, _WRONG = (24, 120, 60), (220, 30, 40)


def class_colours(classes: int) -> np.ndarray:
    """uint8 (256, 3), a colour for each class and grey for all else; class 0 is black, as in Pascal VOC's palette.

    The bits of the class number go to red, green and blue in turn, from the highest down (VOCdevkit, VOClabelcolormap).
    """
    colours = np.full((256, 3), _VOID_COLOUR, np.uint8)
    for c in range(min(classes, VOID)):
        rest, bit = c, 7
        colour = [0, 0, 0]
        while rest:
            for channel in range(3):
                colour[channel] |= (rest >> channel & 1) << bit
            rest, bit = rest >> 3, bit - 1
        colours[c] = colour
    return colours


def overlay(image: np.ndarray, mask: np.ndarray, *, classes: int) -> np.ndarray:
    """The picture with its mask over it, uint8 (height, width, 3); class 0 and void leave the picture as it is.

    Args:
        image: uint8 (height, width, 1 or 3).
        mask: uint8 (height, width).
    """
    picture = np.broadcast_to(image, (*image.shape[:2], 3))
    painted = (1 - _OPACITY) * picture + _OPACITY * class_colours(classes)[mask]
    shown = (mask != 0) & (mask != VOID)
    return np.where(shown[..., None], np.rint(painted), picture).astype(np.uint8)


def difference(truth: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """uint8 (height, width, 3): green where both agree, red where they do not, grey where the truth is void."""
    colours = np.where((truth == answer)[..., None], np.array(_RIGHT), np.array(_WRONG))
    return np.where((truth == VOID)[..., None], np.array(_VOID_COLOUR), colours).astype(np.uint8)
