"""What travels: a sample has the truth of its task, a slice of a split keeps it, nothing is read before it is asked."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny.boxes import Boxes
from keras_tiny.data import VOID, BadImages, Split, prepare_images
from keras_tiny.errors import DataError
from keras_tiny.preprocessing.spec import PreprocessingSpec

SPEC = PreprocessingSpec(height=4, width=4, channels=1)


def picture(name: str) -> np.ndarray:
    return np.full((8, 6, 1), ord(name), np.uint8)


def boxes(name: str) -> Boxes:
    return Boxes.of([[0, 0, 6, ord(name) - ord("a")]], [1])


def mask(name: str) -> np.ndarray:
    return np.full((8, 6), VOID if name == "a" else 2, np.uint8)


def test_a_sample_has_the_truth_of_its_task_and_no_other():
    detection = Split("val", ["a", "b"], None, picture, read_boxes=boxes)[1]
    assert detection.label is None
    assert detection.mask is None
    assert detection.boxes.corners.tolist() == [[0, 0, 6, 1]]
    assert detection.boxes.classes.tolist() == [1]
    segmentation = Split("val", ["a", "b"], None, picture, read_mask=mask)[0]
    assert segmentation.label is None
    assert segmentation.boxes is None
    assert segmentation.mask.shape == segmentation.image.shape[:2]
    assert (segmentation.mask == VOID).all()
    classification = Split("val", ["a", "b"], [3, 4], picture)[1]
    assert (classification.label, classification.boxes, classification.mask) == (4, None, None)


def test_a_slice_keeps_ids_labels_and_readers_together():
    split = Split("test", ["a", "b", "c"], [5, 6, 7], picture, read_boxes=boxes, read_mask=mask)
    last = split[1:][1]
    assert (last.id, last.label, int(last.image[0, 0, 0])) == ("c", 7, ord("c"))
    assert last.boxes.corners[0, 3] == 2
    assert (last.mask == 2).all()
    assert split[::-1].ids == ("c", "b", "a")
    assert split[:2].has_boxes
    assert split[:2].has_masks


def test_boxes_and_masks_are_read_without_decoding_the_picture():
    def broken(name: str) -> np.ndarray:
        raise AssertionError(f"{name} was decoded")

    split = Split("train", ["a", "b"], None, broken, read_boxes=boxes, read_mask=mask)
    assert len(split.boxes(1)) == 1
    assert split.mask(0).max() == VOID
    assert Split("train", ["a"], None, broken).boxes(0) is None


def test_every_sample_s_truth_is_handed_over_once_with_the_picture_as_it_was_read():
    split = Split("train", [chr(97 + i) for i in range(20)] * 10, None, picture, read_boxes=boxes)
    seen: dict[int, tuple[int, ...]] = {}
    images = prepare_images(
        split, SPEC, use_truth=lambda index, sample: seen.setdefault(index, sample.image.shape), workers=3
    )
    assert images.shape == (200, 4, 4, 1)
    assert images[7, 0, 0, 0] == ord("h")
    assert seen == {index: (8, 6, 1) for index in range(200)}


def test_a_truth_that_cannot_be_read_is_named_like_a_picture_that_cannot():
    def read(name: str) -> np.ndarray:
        if name == "b":
            raise DataError("b.png: no such mask.")
        return mask(name)

    split = Split("val", ["b", "c"], None, picture, read_mask=read)
    with pytest.raises(BadImages, match=r"1 of 2 .*\n  b\.png: no such mask\."):
        prepare_images(split, SPEC)
