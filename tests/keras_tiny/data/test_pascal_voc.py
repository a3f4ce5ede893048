"""Pascal VOC's XML: three layouts, what tools write, and what is refused with one clear error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from keras_tiny import data
from keras_tiny.errors import DataError
from tests.keras_tiny.data.voc_files import voc_xml, write_pairs, write_picture


def test_pictures_and_xml_side_by_side(tmp_path: Path):
    write_pairs(tmp_path, 20)
    dataset = data.load(f"pascal_voc:{tmp_path}")
    assert (dataset.task, dataset.labels, dataset.num_classes) == ("detection", ("cat",), 2)
    assert sum(map(len, (dataset.train, dataset.val, dataset.test))) == 20
    sample = dataset.train[0]
    assert sample.image.shape == (30, 40, 3)
    # VOC counts pixels from 1 and includes both ends.
    assert sample.boxes.corners.tolist() == [[4, 5, 20, 25]]


def test_voc_s_own_layout_with_its_lists(tmp_path: Path):
    for number in range(6):
        write_picture(tmp_path / "JPEGImages" / f"{number}.jpg")
        (tmp_path / "Annotations").mkdir(exist_ok=True)
        (tmp_path / "Annotations" / f"{number}.xml").write_text(voc_xml([("dog", (1, 1, 9, 9))]))
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    for split, names in (("train", "0 1\n1 -1\n2\n"), ("val", "3\n"), ("test", "4\n")):
        (lists / f"{split}.txt").write_text(names)
    dataset = data.load(f"pascal_voc:{tmp_path}")
    assert [sorted(part.ids) for part in (dataset.train, dataset.val, dataset.test)] == [
        ["0", "1", "2"],
        ["3"],
        ["4"],
    ]


def test_folders_train_valid_and_test(tmp_path: Path):
    for split in ("train", "valid", "test"):
        write_pairs(tmp_path / split, 3)
    dataset = data.load(f"pascal_voc:{tmp_path}")
    assert sorted(dataset.val.ids) == ["valid/picture-1", "valid/picture-2", "valid/picture-3"]


def test_extensions_in_any_case_and_float_coordinates(tmp_path: Path):
    write_pairs(tmp_path, 5)
    write_picture(tmp_path / "odd-10.JPG")
    (tmp_path / "odd-10.XML").write_text(voc_xml([("cat", (1.5, 2.25, 10.5, 20.75))]))
    dataset = data.load(f"pascal_voc:{tmp_path}?test_every=5")
    boxes = dataset.test.boxes(dataset.test.ids.index("odd-10"))
    assert boxes.corners.tolist() == [[0.5, 1.25, 10.5, 20.75]]


def test_test_every_takes_the_numbers_that_are_divisible(tmp_path: Path):
    write_pairs(tmp_path, 20)
    dataset = data.load(f"pascal_voc:{tmp_path}?test_every=5")
    assert sorted(dataset.test.ids) == ["picture-10", "picture-15", "picture-20", "picture-5"]
    assert "test are the 4 pictures whose number is divisible by 5" in dataset.notes
    assert dataset.source.endswith("?test_every=5")  # so that a validation opens the same split


def test_difficult_objects_are_marked(tmp_path: Path):
    write_pairs(tmp_path, 5)
    (tmp_path / "picture-5.xml").write_text(voc_xml([("cat", (1, 1, 9, 9))], difficult=1))
    assert data.load(f"pascal_voc:{tmp_path}?test_every=5").test[0].boxes.difficult.tolist() == [True]


def test_boxes_that_cannot_be_learnt_are_dropped_or_clipped_and_counted(tmp_path: Path):
    write_pairs(tmp_path, 12)
    bad = [
        ("cat", (20, 5, 10, 9)),  # turned round
        ("cat", (7, 7, 7, 9)),  # without width
        ("cat", (100, 100, 120, 120)),  # outside
        ("cat", ("nan", 1, 2, 3)),
        ("cat", (30, 20, 90, 90)),  # half outside
    ]
    (tmp_path / "picture-1.xml").write_text(voc_xml(bad))
    (tmp_path / "picture-2.xml").write_text(voc_xml([]))
    dataset = data.load(f"pascal_voc:{tmp_path}")
    notes = "\n".join(dataset.notes)
    for note in (
        "dropped 2 boxes without area",
        "dropped 1 box outside of the picture",
        "dropped 1 box with a coordinate that is no finite number",
        "clipped 1 box to the picture, e.g. in picture-1.xml",
        "1 picture without objects, e.g. picture-2.xml",
    ):
        assert note in notes
    boxes = {
        name: part.boxes(i)
        for part in (dataset.train, dataset.val, dataset.test)
        for i, name in enumerate(part.ids)
    }
    assert boxes["picture-1"].corners.tolist() == [[29, 19, 40, 30]]
    assert len(boxes["picture-2"]) == 0


def test_a_size_of_zero_in_the_xml_is_looked_up_in_the_picture(tmp_path: Path):
    write_pairs(tmp_path, 5)
    (tmp_path / "picture-5.xml").write_text(voc_xml([("cat", (1, 1, 99, 99))], width=0, height=0))
    boxes = data.load(f"pascal_voc:{tmp_path}?test_every=5").test[0].boxes
    assert boxes.corners.tolist() == [[0, 0, 40, 30]]


def test_classes_txt_fixes_their_order(tmp_path: Path):
    write_pairs(tmp_path, 5)
    (tmp_path / "classes.txt").write_text("dog\ncat\n")
    dataset = data.load(f"pascal_voc:{tmp_path}")
    assert dataset.labels == ("dog", "cat")
    assert dataset.train[0].boxes.classes.tolist() == [1]


ENTITIES = '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;">]><annotation>&y;</annotation>'


@pytest.mark.parametrize(
    ("xml", "message"),
    [
        (ENTITIES, "document type or entities"),
        ("<annotation>", "is not XML"),
        ("", "is not XML"),
        ("<html></html>", "not an annotation of Pascal VOC"),
        ("<annotation><object/></annotation>", "without <name>"),
        ("<annotation><object><name>cat</name></object></annotation>", "no <bndbox>"),
        (voc_xml([("cat", ("wide", 1, 2, 3))]), "'wide', not a number"),
    ],
)
def test_an_xml_file_that_cannot_be_used_is_named(xml: str, message: str, tmp_path: Path):
    write_pairs(tmp_path, 4)
    (tmp_path / "picture-2.xml").write_text(xml)
    with pytest.raises(DataError, match=message) as error:
        data.load(f"pascal_voc:{tmp_path}")
    assert "picture-2.xml" in str(error.value)


def test_a_class_that_train_does_not_have_is_named(tmp_path: Path):
    for split in ("train", "val", "test"):
        write_pairs(tmp_path / split, 2)
    (tmp_path / "test" / "picture-1.xml").write_text(voc_xml([("catt", (1, 1, 9, 9))]))
    with pytest.raises(
        DataError, match=r"picture-1.xml has an object 'catt', which is no class of train \(cat\)"
    ):
        data.load(f"pascal_voc:{tmp_path}")


def test_a_picture_without_xml_and_xml_without_a_picture_are_named(tmp_path: Path):
    write_pairs(tmp_path, 4)
    (tmp_path / "picture-3.xml").unlink()
    with pytest.raises(DataError, match=r"no XML file of the same name for picture-3.jpg"):
        data.load(f"pascal_voc:{tmp_path}")
    (tmp_path / "picture-3.jpg").unlink()
    (tmp_path / "picture-4.jpg").unlink()
    with pytest.raises(DataError, match=r"no picture of the same name for picture-4.xml"):
        data.load(f"pascal_voc:{tmp_path}")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("test_every=1", "not understood"),
        ("every=5", "not understood"),
        ("test_every=50", "leaves 6 pictures"),
    ],
)
def test_a_query_that_cannot_be_used_is_answered(query: str, message: str, tmp_path: Path):
    write_pairs(tmp_path, 6)
    with pytest.raises(DataError, match=message):
        data.load(f"pascal_voc:{tmp_path}?{query}")


def test_pictures_without_any_object_are_no_data_for_a_detector(tmp_path: Path):
    write_pairs(tmp_path, 4)
    for xml in tmp_path.glob("*.xml"):
        xml.write_text(voc_xml([]))
    with pytest.raises(DataError, match="have no object"):
        data.load(f"pascal_voc:{tmp_path}")


@pytest.mark.real_data
def test_the_raccoons_open_with_forty_to_test(real_data: Path):
    dataset = data.load(f"pascal_voc:{real_data / 'raccoon'}?test_every=5")
    assert (dataset.labels, len(dataset.test), len(dataset.train) + len(dataset.val)) == (
        ("raccoon",),
        40,
        160,
    )
    for part in (dataset.train, dataset.val, dataset.test):
        for index, name in enumerate(part.ids):
            boxes = part.boxes(index)
            assert len(boxes), name
            assert np.isfinite(boxes.corners).all()
