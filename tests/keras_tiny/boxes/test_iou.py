"""Intersection over union, on boxes whose answer is known."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from keras_tiny.boxes.iou import iou
from tests.keras_tiny.boxes.strategies import corners


def test_known_overlaps():
    box = np.array([[0, 0, 2, 2]], np.float32)
    others = np.array([[0, 0, 2, 2], [1, 1, 3, 3], [2, 0, 4, 2], [5, 5, 6, 6], [0, 0, 1, 2]], np.float32)
    np.testing.assert_allclose(iou(box, others), [[1, 1 / 7, 0, 0, 0.5]])


@given(corners(), corners())
def test_it_is_symmetric_between_0_and_1_and_1_with_itself(first: np.ndarray, second: np.ndarray):
    overlap = iou(first, second)
    assert overlap.shape == (len(first), len(second))
    np.testing.assert_allclose(overlap, iou(second, first).T)
    assert ((overlap >= 0) & (overlap <= 1)).all()
    np.testing.assert_allclose(np.diag(iou(first, first)), 1)


def test_boxes_without_area_share_nothing():
    flat = np.array([[1, 1, 1, 1], [2, 2, 1, 3]], np.float32)
    assert iou(flat, flat).tolist() == [[0, 0], [0, 0]]
