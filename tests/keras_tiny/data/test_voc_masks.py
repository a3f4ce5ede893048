"""Pascal VOC's segmentation, as it is published and as CVAT writes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_tiny import data
from keras_tiny.data.sample import VOID
from keras_tiny.errors import DataError

MASK = np.array([[0, 15, 20, 255]] * 2, np.uint8)


@pytest.fixture
def voc(tmp_path):
    def make(mask: np.ndarray = MASK, *, lists: bool = True) -> Path:
        for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
            (tmp_path / folder).mkdir(parents=True)
        for number in range(40):
            Image.fromarray(np.zeros((2, 4, 3), np.uint8)).save(tmp_path / f"JPEGImages/{number}.jpg")
            if number < 30:
                image = Image.fromarray(mask)
                if mask.ndim == 2:
                    image.putpalette(bytes(range(256)) * 3)
                image.save(tmp_path / f"SegmentationClass/{number}.png")
        if lists:
            for split, names in (("train", range(25)), ("val", range(25, 30)), ("test", range(30, 40))):
                text = "".join(f"{name}\n" for name in names)
                (tmp_path / f"ImageSets/Segmentation/{split}.txt").write_text(text)
        return tmp_path

    return make


def test_the_lists_say_who_is_where_and_a_test_without_masks_is_held_out_from_train(voc):
    dataset = data.load(f"voc_masks:{voc()}")
    assert dataset.num_classes == 21
    assert set(dataset.val.ids) == {"25", "26", "27", "28", "29"}
    assert {*dataset.train.ids, *dataset.test.ids} == {str(n) for n in range(25)}
    assert dataset.notes == ("held out 15% as test by a hash of each path, seed 0",)
    assert dataset.val[0].mask[0].tolist() == [0, 15, 20, VOID]


def test_without_lists_every_picture_with_a_mask_is_taken(voc):
    dataset = data.load(f"voc_masks:{voc(lists=False)}")
    assert len(dataset.train) + len(dataset.val) + len(dataset.test) == 30


def test_a_labelmap_names_other_classes_and_their_colours(voc):
    root = voc(np.array([[[0, 0, 0], [250, 0, 0], [1, 2, 3]]] * 2, np.uint8).repeat(2, axis=1)[:, :4])
    (root / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nground:0,0,0::\nrobot:250,0,0::\nvoid:1,2,3::\n"
    )
    dataset = data.load(f"voc_masks:{root}")
    assert dataset.labels == ("ground", "robot")
    assert dataset.val[0].mask[0].tolist() == [0, 0, 1, 1]


def test_a_listed_picture_without_a_mask_is_an_error(voc):
    root = voc()
    (root / "SegmentationClass/3.png").unlink()
    with pytest.raises(DataError, match=r"lists 3, which has no mask in SegmentationClass"):
        data.load(f"voc_masks:{root}")


def test_a_label_out_of_range_is_an_error(voc):
    with pytest.raises(
        DataError, match=r"has the label 21 in 8 pixels; the 21 classes and void are 0\.\.20, 255"
    ):
        data.load(f"voc_masks:{voc(np.full((2, 4), 21, np.uint8))}").val[0]


@pytest.mark.parametrize("text", ["ground\n", "ground:0,0\n", "ground:a,b,c::\n", "ground:0,0,0::\n"])
def test_a_damaged_labelmap_is_an_error(voc, text: str):
    root = voc()
    (root / "labelmap.txt").write_text(text)
    with pytest.raises(DataError, match=r"labelmap\.txt"):
        data.load(f"voc_masks:{root}")


def test_another_folder_says_what_is_looked_for(tmp_path):
    with pytest.raises(DataError, match="no pictures in JPEGImages, or no SegmentationClass"):
        data.load(f"voc_masks:{tmp_path}")
