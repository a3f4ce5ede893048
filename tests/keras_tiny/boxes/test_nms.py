"""Non-maximum suppression against a plain loop, and soft suppression against its formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_tiny.boxes.iou import iou
from keras_tiny.boxes.nms import nms, soft_nms
from tests.keras_tiny.boxes.strategies import corners, scores

SCENES = corners(max_count=12).flatmap(lambda boxes: st.tuples(st.just(boxes), scores(len(boxes))))


def slow_nms(boxes: np.ndarray, values: np.ndarray, *, threshold: float) -> list[int]:
    left = sorted((i for i in range(len(boxes)) if values[i] > 0.01), key=lambda i: (-values[i], i))
    kept: list[int] = []
    while left:
        best, *rest = left
        kept.append(best)
        left = [i for i in rest if iou(boxes[[best]], boxes[[i]])[0, 0] <= threshold]
    return kept


@given(SCENES)
def test_it_is_the_plain_loop(scene: tuple[np.ndarray, np.ndarray]):
    assert nms(*scene).tolist() == slow_nms(*scene, threshold=0.45)


def test_only_the_best_candidates_are_looked_at():
    boxes = np.array([[i, 0, i + 1, 1] for i in range(10)], np.float32)
    values = np.linspace(0.1, 1, 10).astype(np.float32)
    assert nms(boxes, values, max_candidates=3).tolist() == [9, 8, 7]


def test_of_equal_scores_the_first_box_wins():
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 1]], np.float32)
    assert nms(boxes, np.array([0.5, 0.5], np.float32)).tolist() == [0]


def test_soft_suppression_lowers_by_the_overlap_instead_of_dropping():
    boxes = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [9, 9, 10, 10]], np.float32)
    kept, values = soft_nms(boxes, np.array([0.9, 0.8, 0.7], np.float32))
    assert kept.tolist() == [0, 2, 1]
    np.testing.assert_allclose(values, [0.9, 0.7, 0.8 * np.exp(-((1 / 3) ** 2) / 0.5)], rtol=1e-6)


def test_soft_suppression_drops_what_sinks_below_the_threshold():
    boxes = np.array([[0, 0, 1, 1], [0, 0, 1, 1]], np.float32)
    kept, _ = soft_nms(boxes, np.array([0.9, 0.05], np.float32))
    assert kept.tolist() == [0]  # 0.05 · e^-2 is below 0.01


@pytest.mark.parametrize("method", [nms, soft_nms])
def test_nothing_in_nothing_out(method):
    result = method(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    assert len(result[0] if isinstance(result, tuple) else result) == 0
