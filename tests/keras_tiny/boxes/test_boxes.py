"""Boxes hold their three arrays together, whatever is done to them."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny.boxes import Boxes


def test_a_picture_without_objects_has_empty_boxes_of_the_right_shapes():
    boxes = Boxes.none()
    assert (len(boxes), boxes.corners.shape, boxes.classes.shape, boxes.difficult.shape) == (
        0,
        (0, 4),
        (0,),
        (0,),
    )


def test_keeping_some_boxes_keeps_their_classes_and_marks():
    boxes = Boxes.of([[0, 0, 1, 1], [2, 2, 4, 4], [5, 5, 6, 6]], [3, 4, 5], [True, False, True])
    kept = boxes.keep(np.array([2, 0]))
    assert kept.corners.tolist() == [[5, 5, 6, 6], [0, 0, 1, 1]]
    assert (kept.classes.tolist(), kept.difficult.tolist()) == ([5, 3], [True, True])


def test_scaling_multiplies_x_and_y_by_their_own_factors():
    scaled = Boxes.of([[1, 2, 3, 4]], [0]).scaled(x=2, y=10)
    assert scaled.corners.tolist() == [[2, 20, 6, 40]]
    assert scaled.corners.dtype == np.float32


def test_boxes_and_classes_of_different_number_are_our_mistake():
    with pytest.raises(AssertionError):
        Boxes.of([[0, 0, 1, 1]], [1, 2])
