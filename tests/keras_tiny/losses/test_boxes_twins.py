"""The TensorFlow twins of `keras_tiny.boxes` say what NumPy says."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_tiny.boxes import coding, iou, matching
from keras_tiny.boxes import nms as suppression
from keras_tiny.losses import boxes as twins
from tests.keras_tiny.boxes.strategies import ANCHORS, corners, scores

SCENES = corners(max_count=12).flatmap(lambda boxes: st.tuples(st.just(boxes), scores(len(boxes))))
FEW = settings(max_examples=15, deadline=None)
VARIANCES = {"center_variance": 0.1, "size_variance": 0.2}


@FEW
@given(corners(min_count=1), corners(min_count=1))
def test_iou(first: np.ndarray, second: np.ndarray):
    np.testing.assert_allclose(twins.iou(first, second).numpy(), iou.iou(first, second), atol=1e-7)


@FEW
@given(st.integers(0, 10**6))
def test_encode_and_decode(seed: int):
    offsets = np.random.default_rng(seed).normal(0, 3, ANCHORS.shape).astype(np.float32)
    boxes = coding.decode(offsets, ANCHORS, **VARIANCES)
    np.testing.assert_allclose(
        twins.decode(offsets, ANCHORS, **VARIANCES).numpy(), boxes, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        twins.encode(boxes, ANCHORS, **VARIANCES).numpy(),
        coding.encode(boxes, ANCHORS, **VARIANCES),
        rtol=1e-4,
        atol=1e-4,
    )


@FEW
@given(st.lists(corners(max_count=4), min_size=1, max_size=3))
def test_match_on_pictures_with_differing_numbers_of_objects(pictures: list[np.ndarray]):
    most = max(len(boxes) for boxes in pictures)
    padded = np.zeros((len(pictures), most, 4), np.float32)
    classes = np.full((len(pictures), most), -1, np.int32)
    for index, boxes in enumerate(pictures):
        padded[index, : len(boxes)] = boxes
        classes[index, : len(boxes)] = np.arange(len(boxes))
    labels, matched = twins.match(padded, classes, ANCHORS, threshold=0.5)
    for index, boxes in enumerate(pictures):
        expected, places = matching.match(boxes, np.arange(len(boxes)), ANCHORS, threshold=0.5)
        np.testing.assert_array_equal(labels[index].numpy(), expected)
        np.testing.assert_allclose(matched[index].numpy(), places, atol=1e-7)


@FEW
@given(st.lists(st.integers(0, 2), min_size=4, max_size=40), st.integers(0, 10**6))
def test_mine_with_ties(labels: list[int], seed: int):
    classes = np.array(labels, np.int32)
    loss = np.random.default_rng(seed).integers(0, 5, len(classes)).astype(np.float32)
    kept = twins.mine(loss[None], classes[None], ratio=3.0, minimum=3).numpy()[0]
    np.testing.assert_array_equal(kept, matching.mine(loss, classes))


@FEW
@given(SCENES)
def test_nms(scene: tuple[np.ndarray, np.ndarray]):
    assert twins.nms(*scene).numpy().tolist() == suppression.nms(*scene).tolist()


@FEW
@given(corners(max_count=8), st.integers(0, 10**6))
def test_soft_nms(boxes: np.ndarray, seed: int):
    # Scores without ties: which of two equal boxes goes first is each side's own matter.
    values = np.random.default_rng(seed).random(len(boxes)).astype(np.float32)
    kept, lowered = twins.soft_nms(boxes, values)
    expected, expected_values = suppression.soft_nms(boxes, values)
    assert kept.numpy().tolist() == expected.tolist()
    np.testing.assert_allclose(lowered.numpy(), expected_values, rtol=1e-5)
