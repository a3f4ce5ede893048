"""Supervisely's projects: bitmaps at their origins, FSOCO's border and teams, and bitmaps that are traps."""

from __future__ import annotations

import base64
import json
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_tiny import data
from keras_tiny.data.bitmaps import MAX_INFLATED_BYTES, decode_bitmap, paint
from keras_tiny.errors import DataError

CONES = ("seg_blue_cone", "seg_yellow_cone")


def png(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content)).decode()


def bitmap(shape: np.ndarray, origin: tuple[int, int], title: str = CONES[0]) -> dict:
    rgba = np.zeros((*shape.shape, 4), np.uint8)
    rgba[shape > 0] = 255
    return {
        "classTitle": title,
        "geometryType": "bitmap",
        "bitmap": {"data": packed(png(rgba)), "origin": list(origin)},
    }


@pytest.fixture
def project(tmp_path):
    def make(objects: list[dict], *, teams: int = 8, size: tuple[int, int] = (300, 320)) -> Path:
        classes = [{"title": title, "shape": "bitmap"} for title in CONES]
        classes.append({"title": "bb_cone", "shape": "rectangle"})
        (tmp_path / "meta.json").write_text(json.dumps({"classes": classes}))
        for team in range(teams):
            for number in range(3):
                folder = tmp_path / f"team_{team}"
                for name in ("img", "ann"):
                    (folder / name).mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.full((*size, 3), team, np.uint8)).save(folder / f"img/{number}.jpg")
                annotation = {"size": {"height": size[0], "width": size[1]}, "objects": objects}
                (folder / f"ann/{number}.jpg.json").write_text(json.dumps(annotation))
        return tmp_path

    return make


def test_a_bitmap_lies_at_its_origin_and_the_border_is_cut_off(project):
    shape = np.array([[1, 1, 0], [0, 1, 1]])
    dataset = data.load(f"fsoco:{project([bitmap(shape, (145, 150))])}")
    sample = dataset.train[0]
    expected = np.zeros((20, 40), np.uint8)
    expected[10:12, 5:8] = shape
    assert dataset.labels == ("background", "cone")
    assert sample.image.shape == (20, 40, 3)
    assert (sample.mask == expected).all()


def test_what_reaches_into_the_border_is_clipped(project):
    sample = data.load(f"fsoco:{project([bitmap(np.ones((8, 6)), (137, 134))])}").train[0]
    assert sample.mask.sum() == sample.mask[:2, :3].sum() == 6


def test_a_team_is_in_one_split_only(project):
    dataset = data.load(f"fsoco:{project([])}", seed=1)
    teams = [
        {name.partition("/")[0] for name in split.ids} for split in (dataset.train, dataset.val, dataset.test)
    ]
    assert sum(map(len, teams)) == len(set().union(*teams)) == 8
    assert all(teams)


def test_too_few_teams_to_divide_is_an_error(project):
    with pytest.raises(DataError, match="2 groups are too few"):
        data.load(f"fsoco:{project([], teams=2)}")


def test_other_projects_keep_their_classes_and_have_no_border(project):
    square = {
        "classTitle": CONES[1],
        "geometryType": "polygon",
        "points": {"exterior": [[10, 20], [14, 20], [14, 23], [10, 23]], "interior": []},
    }
    box = {"classTitle": "bb_cone", "geometryType": "rectangle", "points": {"exterior": [[0, 0], [9, 9]]}}
    root = project([bitmap(np.ones((2, 2)), (0, 0)), square, box])
    dataset = data.load(f"supervisely:{root}")
    mask = dataset.train[0].mask
    assert dataset.labels == ("background", *CONES)
    assert mask.shape == (300, 320)
    assert (mask[:2, :2] == 1).all()
    assert (mask[20:24, 10:15] == 2).all()
    assert (mask > 0).sum() == 4 + 20


def test_the_later_object_lies_on_top(project):
    objects = [bitmap(np.ones((4, 4)), (0, 0)), bitmap(np.ones((2, 4)), (0, 0), CONES[1])]
    mask = data.load(f"supervisely:{project(objects)}").train[0].mask
    assert mask[:4, 0].tolist() == [2, 2, 1, 1]


@pytest.mark.parametrize("alpha", [True, False], ids=["alpha", "grey"])
def test_bitmaps_with_and_without_alpha_say_the_same(alpha: bool):
    shape = np.random.default_rng(0).integers(0, 2, (5, 7)).astype(np.uint8)
    pixels = np.dstack([np.full((5, 7, 3), 9, np.uint8), shape * 255]) if alpha else shape
    assert (decode_bitmap(packed(png(pixels)), name="x") == (shape > 0)).all()


@pytest.mark.parametrize("origin", [(-2, -1), (3, 4), (50, 0), (-50, 0), (0, 0)])
def test_painting_equals_painting_pixel_by_pixel(origin: tuple[int, int]):
    shape = np.random.default_rng(1).integers(0, 2, (4, 5)) > 0
    mask, expected = np.zeros((6, 7), np.uint8), np.zeros((6, 7), np.uint8)
    paint(mask, shape, origin=origin, value=3)
    for y, x in np.argwhere(shape):
        if 0 <= y + origin[1] < 6 and 0 <= x + origin[0] < 7:
            expected[y + origin[1], x + origin[0]] = 3
    assert (mask == expected).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not base64!", "is not base64"),
        (base64.b64encode(b"no zlib").decode(), "zlib stream is damaged"),
        (packed(b"no picture"), "cannot be decoded"),
        (base64.b64encode(zlib.compress(png(np.zeros((9, 9), np.uint8)))[:-12]).decode(), "ends early"),
        (packed(bytes(MAX_INFLATED_BYTES + 1)), "inflates to more than 16 MiB"),
    ],
    ids=["base64", "zlib", "png", "short", "endless"],
)
def test_a_broken_bitmap_is_named_with_its_file(project, text: str, message: str):
    thing = {"classTitle": CONES[0], "geometryType": "bitmap", "bitmap": {"data": text, "origin": [0, 0]}}
    with pytest.raises(DataError, match=rf"ann/\d\.jpg\.json: .*{message}"):
        data.load(f"supervisely:{project([thing])}").train[0]


def test_a_bitmap_that_inflates_for_ever_takes_no_more_memory_than_the_limit():
    import tracemalloc

    endless = packed(bytes(1 << 26))
    tracemalloc.start()
    with pytest.raises(DataError, match="inflates to more than"):
        decode_bitmap(endless, name="x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * MAX_INFLATED_BYTES


def test_a_class_that_meta_json_does_not_name_is_an_error(project):
    root = project([bitmap(np.ones((1, 1)), (0, 0), "tree")])
    with pytest.raises(DataError, match=r"the class 'tree' is not in meta\.json"):
        data.load(f"supervisely:{root}").train[0]


@pytest.mark.parametrize(
    "change", [{"objects": [{}]}, {"objects": 5}, {"size": {}}, {"size": {"height": -1, "width": 2}}]
)
def test_an_annotation_of_another_kind_is_an_error(project, change):
    root = project([])
    for file in root.glob("*/ann/*.json"):
        file.write_text(json.dumps({"size": {"height": 300, "width": 320}, "objects": [], **change}))
    with pytest.raises(DataError, match=r"jpg\.json"):
        data.load(f"supervisely:{root}").train[0]


def test_a_picture_without_its_annotation_is_an_error(project):
    root = project([])
    (root / "team_3/ann/1.jpg.json").unlink()
    with pytest.raises(DataError, match=r"team_3/img/1\.jpg has no mask: team_3/ann/1\.jpg\.json is missing"):
        data.load(f"fsoco:{root}")


def test_pictures_that_are_all_border_are_an_error(project):
    with pytest.raises(DataError, match="nothing is left inside FSOCO's border of 140"):
        data.load(f"fsoco:{project([], size=(280, 320))}").train[0]
