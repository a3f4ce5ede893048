"""Scenes of digits: what is in them, that truth and picture agree, and that they are the same for ever."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny import data
from keras_tiny.boxes.iou import iou
from keras_tiny.data.scenes import MOST_DIGITS, MOST_OVERLAP, SCENES, SIDE, compose
from keras_tiny.errors import DataError

FIRST_TEST_SCENE = ([1, 3], [[76, 79, 83, 99], [95, 10, 107, 30]])
FEW = [compose("train", index) for index in range(40)]


def test_a_scene_has_one_to_six_digits_of_16_to_56_pixels():
    for scene in FEW:
        assert 1 <= len(scene.boxes) <= MOST_DIGITS
        sides = scene.boxes.corners[:, 2:] - scene.boxes.corners[:, :2]
        assert (sides.max(axis=1) >= 16).all()
        assert (sides.max(axis=1) <= 56).all()
        assert sides.min() >= 4
        assert scene.boxes.corners.min() >= 0
        assert scene.boxes.corners.max() <= SIDE


def test_no_two_digits_overlap_by_more_than_a_fifth():
    for scene in FEW:
        overlap = iou(scene.boxes.corners, scene.boxes.corners) - np.eye(len(scene.boxes))
        assert overlap.max() <= MOST_OVERLAP


def test_all_digits_and_all_numbers_of_digits_occur():
    assert set(np.concatenate([scene.boxes.classes for scene in FEW]).tolist()) == set(range(10))
    assert {len(scene.boxes) for scene in FEW} == set(range(1, MOST_DIGITS + 1))


def test_the_mask_fills_each_box_to_its_edges():
    for scene in (scene for scene in FEW if len(scene.boxes) == 1):
        (xmin, ymin, xmax, ymax), digit = scene.boxes.corners[0].astype(int), scene.boxes.classes[0]
        rows, columns = np.nonzero(scene.mask)
        assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (xmin, ymin, xmax, ymax)
        assert set(np.unique(scene.mask).tolist()) == {0, 1 + digit}


def test_a_digit_stands_out_from_its_ground():
    weights = np.array([0.299, 0.587, 0.114])
    contrasts = []
    for scene in (scene for scene in FEW if len(scene.boxes) == 1):
        xmin, ymin, xmax, ymax = scene.boxes.corners[0].astype(int)
        luma, ink = (scene.image @ weights)[ymin:ymax, xmin:xmax], scene.mask[ymin:ymax, xmin:xmax] > 0
        contrasts.append(abs(luma[ink].mean() - luma[~ink].mean()))
    assert min(contrasts) > 25


def test_a_scene_is_the_same_whenever_it_is_asked_for():
    again = compose("train", 7)
    np.testing.assert_array_equal(again.image, FEW[7].image)
    np.testing.assert_array_equal(again.mask, FEW[7].mask)
    np.testing.assert_array_equal(again.boxes.corners, FEW[7].boxes.corners)


def test_the_choice_of_digits_is_the_one_of_the_first_release():
    # Everybody's published figures hang on the test scenes: these must never change.
    first = compose("test", 0)
    assert (first.boxes.classes.tolist(), first.boxes.corners.astype(int).tolist()) == FIRST_TEST_SCENE


def test_digits_scenes_is_for_detection_and_the_two_kinds_of_masks_for_segmentation():
    boxes, masks, ink = data.load("digits_scenes"), data.load("digits_masks"), data.load("digits_ink")
    assert (boxes.task, boxes.labels, boxes.input_shape) == (
        "detection",
        tuple("0123456789"),
        (SIDE, SIDE, 3),
    )
    assert (masks.task, masks.labels) == ("segmentation", ("background", *"0123456789"))
    assert (ink.task, ink.labels) == ("segmentation", ("background", "ink"))
    for dataset in (boxes, masks, ink):
        assert {name: len(getattr(dataset, name)) for name in SCENES} == SCENES
    with_boxes, with_mask = boxes.test[3], masks.test[3]
    np.testing.assert_array_equal(with_boxes.image, with_mask.image)
    assert with_boxes.mask is None
    assert with_mask.boxes is None
    assert set(np.unique(with_mask.mask).tolist()) == {0, *(with_boxes.boxes.classes + 1).tolist()}
    np.testing.assert_array_equal(ink.test[3].image, with_mask.image)
    np.testing.assert_array_equal(ink.test[3].mask, with_mask.mask > 0)


def test_what_a_reader_does_to_its_picture_is_not_seen_by_the_next():
    split = data.load("digits_scenes").val
    before = split[0].image.copy()
    split[0].image[:] = 0
    np.testing.assert_array_equal(split[0].image, before)


@pytest.mark.parametrize("source", ["digits_scenes", "digits_masks", "digits_ink"])
def test_a_path_is_refused(source: str):
    with pytest.raises(DataError, match="takes no path"):
        data.load(f"{source}:/somewhere")
