"""Changes that move things, each a (3, 3) matrix from places of the new picture to places of the old one.

Every function takes the mask of the picture that the matrix so far starts from, and gives that matrix times its own:
`resample` says what a place is. Ranges are those of Albumentations 1.3, with which Efficient UNet was trained.
"""

from __future__ import annotations

import math

import numpy as np

from keras_tiny.data.sample import VOID

Rng = np.random.Generator

SHIFT = 0.0625  # of the side, either way
SCALE = 0.1
ROTATE_DEGREES = 45.0
# Deviation of the corners of the part that is shown, as a share of the sides: drawn from this range.
PERSPECTIVE = (0.05, 0.1)
_MOST_PERSPECTIVE = 0.32  # further in, the corners could change places
# Sides of a crop, as a share of the picture's.
CROP = (0.35, 1.0)


def whole(mask: np.ndarray, matrix: np.ndarray, rng: Rng) -> np.ndarray:
    """The picture as it is; stands beside a crop in a list of alternatives."""
    del mask, rng
    return matrix


def crop_to_mask(mask: np.ndarray, matrix: np.ndarray, rng: Rng) -> np.ndarray:
    """A part of the picture, of its own shape, that has a pixel of some object in it; any part where there is none.

    Class 0 is the ground. The part is enlarged to the picture's size.
    """
    height, width = mask.shape
    share = rng.uniform(*CROP)
    size = np.array([width, height])
    room = size * (1 - share)
    objects = np.flatnonzero((mask != 0) & (mask != VOID))
    corner = rng.uniform(0, 1, 2) * room
    if len(objects):
        row, column = divmod(int(objects[rng.integers(len(objects))]), width)
        x, y, scale = np.linalg.solve(matrix, np.array([column + 0.5, row + 0.5, 1.0]))
        place = np.array([x, y]) / scale
        corner = place - rng.uniform(0, 1, 2) * size * share
    corner = np.clip(corner, 0, room)
    return matrix @ np.array([[share, 0, corner[0]], [0, share, corner[1]], [0, 0, 1]])


def flip(mask: np.ndarray, matrix: np.ndarray, rng: Rng) -> np.ndarray:
    """Left-right."""
    del rng
    return matrix @ np.array([[-1.0, 0, mask.shape[1]], [0, 1, 0], [0, 0, 1]])


def flip_vertical(mask: np.ndarray, matrix: np.ndarray, rng: Rng) -> np.ndarray:
    """Upside down."""
    del rng
    return matrix @ np.array([[1.0, 0, 0], [0, -1, mask.shape[0]], [0, 0, 1]])


def transpose(mask: np.ndarray, matrix: np.ndarray, rng: Rng) -> np.ndarray:
    """Rows become columns; a picture that is not square is stretched to its old shape."""
    del rng
    height, width = mask.shape
    return matrix @ np.array([[0, width / height, 0], [height / width, 0, 0], [0, 0, 1]])


def rotate(mask: np.ndarray, matrix: np.ndarray, rng: Rng) -> np.ndarray:
    """About the centre, up to 45 degrees either way."""
    return matrix @ _about_centre(mask, angle=rng.uniform(-1, 1) * ROTATE_DEGREES)


def shift_scale_rotate(mask: np.ndarray, matrix: np.ndarray, rng: Rng) -> np.ndarray:
    """Up to a sixteenth of the sides, a tenth in size and 45 degrees, either way each."""
    angle, scale = rng.uniform(-1, 1) * ROTATE_DEGREES, 1 + rng.uniform(-1, 1) * SCALE
    x, y = rng.uniform(-SHIFT, SHIFT, 2) * mask.shape[::-1]
    return matrix @ _about_centre(mask, angle=angle, scale=scale, x=x, y=y)


def perspective(mask: np.ndarray, matrix: np.ndarray, rng: Rng) -> np.ndarray:
    """A quadrilateral of the picture, its corners drawn in from the picture's own, seen from in front."""
    height, width = mask.shape
    drawn_in = np.abs(rng.normal(0, rng.uniform(*PERSPECTIVE), (4, 2))) % _MOST_PERSPECTIVE
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    seen = np.where(corners == 0, drawn_in, 1 - drawn_in) * [width, height]
    return matrix @ _four_points(corners * [width, height], seen)


def _about_centre(
    mask: np.ndarray, *, angle: float, scale: float = 1.0, x: float = 0.0, y: float = 0.0
) -> np.ndarray:
    """Things turn by `angle` degrees, grow by `scale` and go right and down by (x, y) pixels."""
    height, width = mask.shape
    cos, sin = math.cos(math.radians(angle)) / scale, math.sin(math.radians(angle)) / scale
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
    there = np.array([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1]])
    back = np.array([[1, 0, -width / 2 - x], [0, 1, -height / 2 - y], [0, 0, 1]])
    return there @ turn @ back


def _four_points(places: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """The projective map that takes four places (4, 2) to four others."""
    rows, values = [], []
    for (x, y), (u, v) in zip(places, onto, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(values)), 1.0).reshape(3, 3)
