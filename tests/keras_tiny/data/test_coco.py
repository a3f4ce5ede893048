"""COCO's instances JSON: read with its categories, crowds and missing splits, and refused with one clear error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from keras_tiny import data
from keras_tiny.errors import DataError
from tests.keras_tiny.data.voc_files import write_picture

CATEGORIES = [{"id": 18, "name": "dog"}, {"id": 3, "name": "car"}]


def content(numbers: range, **changes: Any) -> dict[str, Any]:
    return {
        "images": [{"id": n, "file_name": f"{n:06d}.jpg", "width": 40, "height": 30} for n in numbers],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 18, "bbox": [2.5, 3, 10, 12], "iscrowd": n % 2}
            for n in numbers
        ],
        "categories": CATEGORIES,
        **changes,
    }


def write(root: Path, split: str, numbers: range, **changes: Any) -> None:
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    (root / "annotations" / f"instances_{split}.json").write_text(json.dumps(content(numbers, **changes)))
    for number in numbers:
        write_picture(root / split / f"{number:06d}.jpg")


def test_train_and_val_are_read_and_test_is_held_out(tmp_path: Path):
    write(tmp_path, "train2017", range(20))
    write(tmp_path, "val2017", range(20, 24))
    dataset = data.load(f"coco:{tmp_path}")
    assert (dataset.task, dataset.labels) == ("detection", ("car", "dog"))  # in the order of their numbers
    assert len(dataset.val) == 4
    assert len(dataset.train) + len(dataset.test) == 20
    sample = dataset.val[dataset.val.ids.index("val2017/000021.jpg")]
    assert sample.boxes.corners.tolist() == [[2.5, 3, 12.5, 15]]
    assert (sample.boxes.classes.tolist(), sample.boxes.difficult.tolist()) == ([1], [True])


def test_pictures_without_annotations_have_no_boxes(tmp_path: Path):
    write(tmp_path, "train", range(8), annotations=[])
    dataset = data.load(f"coco:{tmp_path}")
    assert len(dataset.train[0].boxes) == 0
    assert any("8 pictures without objects" in note for note in dataset.notes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": 3}, "is not instances JSON"),
        ({"categories": []}, "no categories"),
        (
            {"annotations": [{"id": 1, "image_id": 99, "category_id": 18, "bbox": [1, 1, 2, 2]}]},
            "KeyError 99",
        ),
        (
            {"annotations": [{"id": 1, "image_id": 0, "category_id": 7, "bbox": [1, 1, 2, 2]}]},
            "has category 7",
        ),
        (
            {"annotations": [{"id": 1, "image_id": 0, "category_id": 18, "bbox": [1, 1]}]},
            "is not instances JSON",
        ),
    ],
)
def test_json_that_cannot_be_used_is_named(changes: dict[str, Any], message: str, tmp_path: Path):
    write(tmp_path, "train", range(4), **changes)
    with pytest.raises(DataError, match=message) as error:
        data.load(f"coco:{tmp_path}")
    assert "instances_train.json" in str(error.value)


def test_a_missing_picture_or_file_is_named(tmp_path: Path):
    write(tmp_path, "train", range(4))
    (tmp_path / "train" / "000002.jpg").unlink()
    with pytest.raises(DataError, match=r"000002\.jpg, which is not in"):
        data.load(f"coco:{tmp_path}")
    (tmp_path / "annotations" / "instances_train.json").write_text("{")
    with pytest.raises(DataError, match="Cannot read"):
        data.load(f"coco:{tmp_path}")
    (tmp_path / "annotations" / "instances_train.json").unlink()
    with pytest.raises(DataError, match="no instances_train"):
        data.load(f"coco:{tmp_path}")


def test_splits_of_different_categories_are_refused(tmp_path: Path):
    write(tmp_path, "train", range(4))
    write(tmp_path, "val", range(4, 8), categories=[{"id": 18, "name": "wolf"}])
    with pytest.raises(DataError, match="categories of train and val"):
        data.load(f"coco:{tmp_path}")
