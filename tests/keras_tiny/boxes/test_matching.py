"""Which anchors answer for which objects, and which the loss looks at."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keras_tiny.boxes.coding import to_corners
from keras_tiny.boxes.iou import iou
from keras_tiny.boxes.matching import match, match_offsets, mine
from tests.keras_tiny.boxes.strategies import ANCHORS, corners


@given(corners(min_count=1, max_count=4))
def test_an_anchor_is_matched_where_it_overlaps_enough_or_is_the_best_of_an_object(boxes: np.ndarray):
    classes = np.arange(len(boxes))
    labels, matched = match(boxes, classes, ANCHORS, threshold=0.5)
    overlap = iou(boxes, to_corners(ANCHORS))
    claimed = overlap.argmax(axis=1)
    np.testing.assert_array_equal(
        labels > 0, (overlap.max(axis=0) >= 0.5) | np.isin(np.arange(len(ANCHORS)), claimed)
    )
    assert labels[claimed[-1]] == len(boxes)  # the last object always gets what it claims
    for anchor in np.flatnonzero(labels):
        np.testing.assert_array_equal(matched[anchor], boxes[labels[anchor] - 1])


def test_of_two_objects_that_claim_one_anchor_the_last_gets_it():
    tiny = np.array([[0.10, 0.10, 0.14, 0.14], [0.11, 0.11, 0.15, 0.15]], np.float32)
    labels, _ = match(tiny, np.array([3, 7]), ANCHORS)
    assert sorted(set(labels.tolist())) == [0, 8]


def test_a_picture_without_objects_is_all_background_and_finite():
    labels, offsets = match_offsets(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), ANCHORS)
    assert not labels.any()
    assert not offsets.any()
    assert offsets.shape == ANCHORS.shape


def test_mining_keeps_three_of_the_hardest_background_anchors_per_object():
    labels = np.array([0, 2, 0, 0, 0, 0, 0, 0])
    loss = np.array([1.0, 9.0, 5.0, 5.0, 0.1, 7.0, 0.2, 5.0])
    # Index 1 is the object; of the three equal losses the first two are kept beside the 7.
    assert np.flatnonzero(mine(loss, labels)).tolist() == [1, 2, 3, 5]


def test_a_picture_without_objects_keeps_the_minimum():
    kept = mine(np.array([0.5, 0.1, 0.9, 0.7]), np.zeros(4, int), minimum=2)
    assert np.flatnonzero(kept).tolist() == [2, 3]


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40), st.integers(0, 10**6))
def test_mining_never_loses_an_object_and_keeps_the_ratio(labels: list[int], seed: int):
    classes = np.array(labels)
    kept = mine(np.random.default_rng(seed).random(len(classes)), classes)
    objects = (classes > 0).sum()
    assert kept[classes > 0].all()
    assert (kept & (classes == 0)).sum() == min(max(3 * objects, 3), len(classes) - objects)
