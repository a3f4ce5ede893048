"""SSD's changes of pictures: boxes go where their pictures go, colours stay colours, and the seed decides all."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny.recipe import DetectionPart
from keras_tiny.tasks.augment import warp
from keras_tiny.tasks.augment_boxes import Drawn, draw, matrices, move_boxes, recolour

SIDE = 64
PART = DetectionPart()


def squares(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """White squares on black: pictures float32 (n, 64, 64, 3), corners (n, 1, 4), classes (n, 1)."""
    rng = np.random.default_rng(seed)
    pictures, corners = np.zeros((n, SIDE, SIDE, 3), np.float32), np.zeros((n, 1, 4), np.float32)
    for i in range(n):
        x, y = rng.integers(4, 40, 2)
        pictures[i, y : y + 20, x : x + 20] = 255
        corners[i, 0] = np.array([x, y, x + 20, y + 20]) / SIDE
    return pictures, corners, np.zeros((n, 1), np.int32)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_boxes_go_where_their_pictures_go():
    """The white pixels of each changed picture are those inside its changed box."""
    pictures, corners, classes = squares(40, 1)
    drawn, moved, left = draw(corners, classes, PART, rng=rng())
    shown = warp(pictures, matrices(drawn, height=SIDE, width=SIDE), beyond="CONSTANT").numpy()[..., 0] > 127
    compared = 0
    for white, box, label in zip(shown, moved[:, 0] * SIDE, left[:, 0], strict=True):
        if label < 0:
            continue
        rows, columns = np.flatnonzero(white.any(axis=1)), np.flatnonzero(white.any(axis=0))
        found = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        np.testing.assert_allclose(found, box, atol=1.01)  # half a pixel of rounding on either side
        compared += 1
    assert compared > 25


def test_the_whole_picture_mirrored_is_the_mirror_image():
    pictures, _, _ = squares(1, 2)
    drawn = Drawn(np.array([[0, 0, 1, 1]], np.float32), np.array([True]), *(np.zeros(1),) * 4)
    shown = warp(pictures, matrices(drawn, height=SIDE, width=SIDE)).numpy()
    np.testing.assert_allclose(shown, pictures[:, :, ::-1], atol=1e-3)


def test_an_object_whose_centre_is_cut_off_is_gone_and_one_beyond_the_edge_is_clipped():
    corners = np.array([[[0.0, 0.0, 0.4, 0.4], [0.4, 0.4, 0.9, 0.9]]], np.float32)
    window = np.array([[0.5, 0.5, 1.0, 1.0]], np.float32)
    moved, left = move_boxes(corners, np.array([[3, 4]]), window, np.array([False]))
    assert left.tolist() == [[-1, 4]]
    np.testing.assert_allclose(moved[0, 1], [0, 0, 0.8, 0.8], atol=1e-6)
    assert not moved[0, 0].any()


def test_a_batch_is_the_same_again_with_its_seed_and_not_with_another():
    _, corners, classes = squares(8, 3)
    first, again, other = (draw(corners, classes, PART, rng=rng(seed))[0] for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.windows, again.windows)
    assert (first.windows != other.windows).any()


def test_pictures_without_objects_are_changed_too():
    corners, classes = np.zeros((20, 1, 4), np.float32), np.full((20, 1), -1)
    drawn, moved, left = draw(corners, classes, PART, rng=rng())
    assert (left == -1).all()
    assert not moved.any()
    assert len(np.unique(drawn.windows, axis=0)) > 10


def test_what_is_switched_off_does_not_happen():
    _, corners, classes = squares(30, 4)
    off = DetectionPart(photometric=False, expand=1, crop=False, flip=False)
    drawn, moved, _ = draw(corners, classes, off, rng=rng())
    np.testing.assert_array_equal(drawn.windows, [[0, 0, 1, 1]] * 30)
    np.testing.assert_array_equal(drawn.colours, [np.eye(3)] * 30)
    assert not drawn.mirrored.any()
    np.testing.assert_array_equal(moved, corners)


def test_half_of_the_pictures_are_expanded_to_at_most_the_ratio():
    corners, classes = np.zeros((400, 1, 4), np.float32), np.full((400, 1), -1)
    drawn, _, _ = draw(corners, classes, DetectionPart(expand=3, crop=False), rng=rng())
    sides = drawn.windows[:, 2:] - drawn.windows[:, :2]
    assert sides.max() <= 3
    assert 0.4 < (sides[:, 0] > 1).mean() < 0.6
    np.testing.assert_allclose(sides[:, 0], sides[:, 1], rtol=1e-5)  # a canvas has the picture's shape


def test_a_crop_keeps_an_object_and_is_no_sliver():
    _, corners, classes = squares(300, 5)
    drawn, _, left = draw(corners, classes, DetectionPart(expand=1), rng=rng())
    sides = drawn.windows[:, 2:] - drawn.windows[:, :2]
    assert sides.min() >= 0.3 - 1e-6
    assert (sides[:, 0] / sides[:, 1]).max() <= 2 + 1e-5
    assert (left >= 0).all()
    assert (sides < 0.99).any(axis=1).mean() > 0.4


@pytest.mark.parametrize("channels", [1, 3])
def test_colours_that_are_not_changed_stay_and_brightness_is_added(channels: int):
    pixels = np.random.default_rng(0).uniform(40, 200, (2, 8, 8, channels)).astype(np.float32)
    eye, none, one = (
        np.stack([np.eye(3, dtype=np.float32)] * 2),
        np.zeros(2, np.float32),
        np.ones(2, np.float32),
    )
    same = recolour(pixels, eye, none, one, none).numpy()
    np.testing.assert_allclose(same, pixels, atol=0.02)
    brighter = recolour(pixels, eye, np.array([30, -30], np.float32), one, none).numpy()
    np.testing.assert_allclose(
        brighter - pixels, np.array([30, -30])[:, None, None, None] * np.ones_like(pixels), atol=0.02
    )


def test_channels_are_shuffled_and_saturation_can_be_taken_away():
    pixels = np.zeros((1, 1, 1, 3), np.float32) + np.array([200, 100, 50], np.float32)
    none, one = np.zeros(1, np.float32), np.ones(1, np.float32)
    order = np.eye(3, dtype=np.float32)[[2, 0, 1]][None]
    np.testing.assert_allclose(
        recolour(pixels, order, none, one, none).numpy().ravel(), [50, 200, 100], atol=0.02
    )
    grey = recolour(pixels, np.eye(3, dtype=np.float32)[None], none, none, none).numpy().ravel()
    np.testing.assert_allclose(grey, 200, atol=0.02)
