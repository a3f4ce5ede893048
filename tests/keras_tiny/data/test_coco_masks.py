"""COCO's instances and panoptic PNGs as masks, held against pycocotools."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_tiny import data
from keras_tiny.data.coco_rle import decode_segmentation
from keras_tiny.data.sample import VOID
from keras_tiny.errors import DataError
from tests.support import require

HEIGHT, WIDTH = 12, 16
CATEGORIES = [{"id": 7, "name": "cup"}, {"id": 3, "name": "table"}]
TABLE = {"category_id": 3, "area": 100, "iscrowd": 0, "segmentation": [[2, 2, 12, 2, 12, 10, 2, 10]]}
CUP = {"category_id": 7, "area": 4, "iscrowd": 0, "segmentation": [[4, 4, 6, 4, 6, 6, 4, 6]]}


@pytest.fixture
def coco(tmp_path):
    """40 pictures of train and 3 of val, all with these annotations."""

    def make(*annotations: dict, kind: str = "instances", **changes: object) -> Path:
        (tmp_path / "annotations").mkdir()
        for split, count in (("train2017", 40), ("val2017", 3)):
            (tmp_path / split).mkdir()
            content: dict = {"categories": CATEGORIES, "images": [], "annotations": []}
            for number in range(count):
                Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / split / f"{number}.jpg")
                content["images"].append(
                    {"id": number, "file_name": f"{number}.jpg", "height": HEIGHT, "width": WIDTH}
                )
                content["annotations"] += [{"id": 0, "image_id": number, **each} for each in annotations]
            file = tmp_path / "annotations" / f"{kind}_{split}.json"
            file.write_text(json.dumps({**content, **changes}))
        return tmp_path

    return make


def test_objects_become_classes_in_the_order_of_their_ids_and_the_smaller_lies_on_top(coco):
    dataset = data.load(f"coco_masks:{coco(CUP, TABLE)}")
    assert dataset.labels == ("background", "table", "cup")
    assert len(dataset.val) == 3
    assert dataset.notes == ("held out 15% as test by a hash of each path, seed 0",)
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[2:10, 2:12], expected[4:6, 4:6] = 1, 2
    mask = dataset.val[0].mask
    assert (mask == expected).all()


def test_the_foreground_is_the_union_of_all_objects(coco):
    dataset = data.load(f"coco_foreground:{coco(CUP, TABLE)}")
    assert dataset.labels == ("background", "object")
    assert set(np.unique(dataset.val[0].mask)) == {0, 1}
    assert dataset.val[0].mask[5, 5] == 1


@pytest.mark.parametrize("seed", range(20))
def test_run_lengths_are_read_as_pycocotools_reads_them(seed: int):
    require("module:pycocotools")
    from pycocotools import mask as reference

    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 60, 2)
    wanted = rng.random((5, 5)).repeat(12, 0).repeat(12, 1)[: shape[0], : shape[1]] > rng.random()
    encoded = reference.encode(np.asfortranarray(wanted.astype(np.uint8)))
    as_text = {"size": encoded["size"], "counts": encoded["counts"].decode()}
    assert (decode_segmentation(as_text, height=shape[0], width=shape[1]) == wanted).all()
    flat = np.concatenate([[False], wanted.T.ravel(), [not wanted.T.ravel()[-1]]])
    counts = np.diff(np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1])]))
    plain = {"size": encoded["size"], "counts": counts.tolist()}
    assert (decode_segmentation(plain, height=shape[0], width=shape[1]) == wanted).all()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # inside pycocotools
@pytest.mark.parametrize("seed", range(5))
def test_polygons_differ_from_those_of_pycocotools_along_their_outline_only(seed: int):
    require("module:pycocotools")
    from pycocotools import mask as reference

    angles = np.linspace(0, 2 * np.pi, 9)[:-1]
    radii = np.random.default_rng(seed).uniform(18, 45, 8)
    polygon = np.stack([50 + radii * np.cos(angles), 50 + radii * np.sin(angles)], 1).ravel().tolist()
    wanted = reference.decode(reference.frPyObjects([polygon], 100, 100))[:, :, 0].astype(bool)
    found = decode_segmentation([polygon], height=100, width=100)
    assert (found & wanted).sum() / (found | wanted).sum() > 0.97


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ([[1, 2, 3, 4]], "a polygon has 4 numbers"),
        ({"size": [12, 16], "counts": [100, 100]}, "the run lengths are 200 pixels, the picture 192"),
        ({"size": [16, 12], "counts": [192]}, "the picture of"),
        ({"size": [12, 16], "counts": "PPPP"}, "does not end"),
        ({"size": [12, 16], "counts": "\u00e9"}, "hold the character"),
        ({"size": [12, 16], "counts": [-5, 197]}, "the run lengths are 192 pixels"),
        ("nothing", "neither polygons nor run lengths"),
    ],
)
def test_a_damaged_segmentation_is_named_with_its_picture(coco, segmentation, message):
    dataset = data.load(f"coco_masks:{coco({**CUP, 'segmentation': segmentation})}")
    with pytest.raises(DataError, match=rf"val2017/\d\.jpg: an object cannot be drawn: .*{message}"):
        dataset.val[0]


def test_a_category_that_is_not_listed_is_an_error(coco):
    with pytest.raises(DataError, match="has category 9, which is not listed"):
        data.load(f"coco_masks:{coco({**CUP, 'category_id': 9})}")


def test_a_file_of_another_kind_is_an_error(coco):
    with pytest.raises(DataError, match="is not instances JSON of COCO"):
        data.load(f"coco_masks:{coco({'category_id': 7})}")


def panoptic(root: Path, numbers: np.ndarray) -> None:
    """The PNG of every picture: number = R + 256 G + 65536 B."""
    colours = np.stack([numbers & 255, numbers >> 8 & 255, numbers >> 16], -1).astype(np.uint8)
    for split in ("train2017", "val2017"):
        folder = root / "annotations" / f"panoptic_{split}"
        folder.mkdir()
        for picture in (root / split).iterdir():
            Image.fromarray(colours).save(folder / f"{picture.stem}.png")


@pytest.fixture
def panoptic_set(coco):
    def make(numbers: np.ndarray, *segments: dict) -> Path:
        root = coco(kind="panoptic")
        for file in (root / "annotations").glob("*.json"):
            content = json.loads(file.read_text())
            content["annotations"] = [
                {"image_id": each["id"], "file_name": f"{each['id']}.png", "segments_info": list(segments)}
                for each in content["images"]
            ]
            file.write_text(json.dumps(content))
        panoptic(root, numbers)
        return root

    return make


NUMBERS = np.zeros((HEIGHT, WIDTH), np.int64)
NUMBERS[:, 4:8], NUMBERS[:, 8:12], NUMBERS[:, 12:] = 5, 256 * 9 + 1, 65536 * 2


def test_panoptic_numbers_become_categories_and_zero_is_void(panoptic_set):
    segments = ({"id": 5, "category_id": 3}, {"id": 2305, "category_id": 7}, {"id": 131072, "category_id": 3})
    dataset = data.load(f"coco_panoptic:{panoptic_set(NUMBERS, *segments)}")
    assert dataset.labels == ("table", "cup")
    assert dataset.val[0].mask[0, ::4].tolist() == [VOID, 0, 1, 0]


def test_a_segment_that_the_json_file_does_not_list_is_an_error(panoptic_set):
    dataset = data.load(f"coco_panoptic:{panoptic_set(NUMBERS, {'id': 5, 'category_id': 3})}")
    with pytest.raises(DataError, match=r"\.png has the segment 2305, which its JSON file does not list"):
        dataset.val[0]


def test_a_panoptic_png_of_another_size_is_an_error(panoptic_set):
    dataset = data.load(f"coco_panoptic:{panoptic_set(np.full((9, 9), 5), {'id': 5, 'category_id': 3})}")
    with pytest.raises(DataError, match="is 16x12 pixels, its mask 9x9"):
        dataset.val[0]


def test_a_missing_png_is_an_error(panoptic_set):
    root = panoptic_set(NUMBERS, {"id": 5, "category_id": 3})
    (root / "annotations/panoptic_val2017/1.png").unlink()
    with pytest.raises(DataError, match=r"names 1\.png, which is not in"):
        data.load(f"coco_panoptic:{root}")
