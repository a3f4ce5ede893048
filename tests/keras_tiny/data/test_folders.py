"""Class folders as people have them, and as they get them wrong."""

from __future__ import annotations

import os
import shutil
import time

import numpy as np
import pytest
from PIL import Image

from keras_tiny import data
from keras_tiny.errors import DataError


def pictures(*classes: str, each: int = 10) -> list[str]:
    return [f"{label}/{number}.png" for label in classes for number in range(each)]


def load(root, **options):
    return data.load(f"folders:{root}", **options)


def names(dataset) -> dict[str, set[str]]:
    return {split.name: set(split.ids) for split in (dataset.train, dataset.val, dataset.test)}


def test_three_split_folders_are_taken_as_they_are(tree):
    root = tree(
        "train/b/1.png", "train/a/2.png", "val/a/3.png", "val/b/4.png", "test/a/5.png", "test/b/6.png"
    )
    dataset = load(root)
    assert dataset.labels == ("a", "b")
    assert names(dataset) == {
        "train": {"train/b/1.png", "train/a/2.png"},
        "val": {"val/a/3.png", "val/b/4.png"},
        "test": {"test/a/5.png", "test/b/6.png"},
    }
    assert {sample.id: sample.label for sample in dataset.test} == {"test/a/5.png": 0, "test/b/6.png": 1}
    assert dataset.notes == ()


@pytest.mark.parametrize("spelling", [("Train", "VALID", "Testing"), ("training", "validation", "test")])
def test_other_spellings_of_the_splits_are_understood(tree, spelling):
    root = tree(*(f"{split}/{label}/1.png" for split in spelling for label in "ab"))
    assert [len(split) for split in (load(root).train, load(root).val, load(root).test)] == [2, 2, 2]


def test_undivided_classes_are_split_and_the_note_says_how(tree):
    dataset = load(tree(*pictures("cat", "dog", each=40)), seed=5)
    parts = names(dataset)
    assert sum(len(part) for part in parts.values()) == len(set().union(*parts.values())) == 80
    assert min(len(part) for part in parts.values()) >= 2
    assert dataset.notes == ("held out 15% as test and 10% as val by a hash of each path, seed 5",)


def test_a_missing_val_is_held_out_from_train_and_test_is_left_alone(tree):
    root = tree(*(f"train/{p}" for p in pictures("a", "b", each=50)), "test/a/1.png", "test/b/1.png")
    dataset = load(root)
    assert set(dataset.test.ids) == {"test/a/1.png", "test/b/1.png"}
    assert len(dataset.train) + len(dataset.val) == 100
    assert 2 <= len(dataset.val) <= 25
    assert all(name.startswith("train/") for name in dataset.val.ids)


def test_a_missing_test_is_held_out_from_train(tree):
    root = tree(*(f"train/{p}" for p in pictures("a", "b", each=50)), "val/a/1.png", "val/b/1.png")
    dataset = load(root)
    assert set(dataset.val.ids) == {"val/a/1.png", "val/b/1.png"}
    assert all(name.startswith("train/") for name in dataset.test.ids)
    assert not set(dataset.test.ids) & set(dataset.train.ids)


def test_adding_a_picture_moves_no_other_between_splits(tree):
    before = names(load(tree(*pictures("cat", "dog", each=60))))
    after = names(load(tree(*pictures("cat", "dog", each=80))))
    for split, members in before.items():
        assert members <= after[split]


def test_the_split_does_not_depend_on_where_the_folder_lies(tree, tmp_path):
    root = tree(*pictures("cat", "dog"))
    shutil.copytree(root, tmp_path / "elsewhere")
    assert load(root).test.ids == load(tmp_path / "elsewhere").test.ids


def test_extensions_count_in_any_case_and_pictures_may_lie_deeper(tree):
    endings = ("jpg", "JPEG", "Png", "bmp", "gif", "webp", "TIF", "tiff", "ppm", "pgm")
    root = tree(*(f"{label}/deep/er/x.{ending}" for label in "ab" for ending in endings))
    dataset = load(root)
    assert len(dataset.train) + len(dataset.val) + len(dataset.test) == 20
    data.check(dataset)


def test_a_class_folder_named_train_is_a_class_when_pictures_lie_in_it(tree):
    assert load(tree(*pictures("bus", "train"))).labels == ("bus", "train")


def test_hidden_files_and_files_that_are_no_pictures_are_counted_in_the_notes(tree):
    root = tree(*pictures("cat", "dog"))
    (root / "README.md").write_text("about")
    (root / "cat/.DS_Store").write_bytes(b"")
    (root / "cat/._0.png").write_bytes(b"")
    (root / ".ipynb_checkpoints").mkdir()
    (root / "dog/notes.txt").write_text("a note")
    (root / "unlabelled").mkdir()
    dataset = load(root)
    assert dataset.labels == ("cat", "dog")
    assert dataset.notes[1:] == (
        "ignored 3 hidden files and folders",
        "ignored 2 files that are no pictures, e.g. README.md",
        "ignored 1 folder without pictures, e.g. unlabelled",
    )


def test_grey_colour_transparent_cmyk_palette_and_16_bit_pictures_train_together(tree):
    root = tree()
    shades = {"L": "png", "RGB": "jpg", "RGBA": "png", "CMYK": "jpg", "P": "gif", "I;16": "png"}
    for label in ("cat", "dog"):
        (root / label).mkdir()
        for mode, ending in shades.items():
            if mode == "I;16":
                image = Image.fromarray(np.full((8, 6), 100 * 257, np.uint16))
            else:
                image = Image.new("L", (6, 8), 100).convert("RGB").convert(mode)
            image.save(root / label / f"{mode[:4]}.{ending}")
    dataset = load(root, image_size=16)
    for channels in (1, 3):
        spec = dataset.preprocessing.model_copy(update={"channels": channels})
        for split in (dataset.train, dataset.val, dataset.test):
            images, _ = data.prepare_split(split, spec)
            assert images.shape[1:] == (16, 16, channels)
            assert abs(images.astype(int) - 100).max() <= 3  # JPEG's loss


def test_the_default_input_is_96_by_96_colour(tree):
    spec = load(tree(*pictures("cat", "dog"))).preprocessing
    assert (spec.height, spec.width, spec.channels) == (96, 96, 3)


def test_links_to_folders_are_followed_and_loops_end(tree, tmp_path):
    root = tree(*pictures("cat", "dog"))
    elsewhere = tree(*pictures("birds"), root="elsewhere")
    (root / "bird").symlink_to(elsewhere / "birds")
    (root / "cat/up").symlink_to(root)
    (root / "cat/self").symlink_to(root / "cat/self")
    (root / "dog/again").symlink_to(root / "dog")
    (root / "dog/gone.png").symlink_to(tmp_path / "gone.png")
    (root / "whole").symlink_to(root)
    dataset = load(root)
    assert dataset.labels == ("bird", "cat", "dog")
    assert len(dataset.train) + len(dataset.val) + len(dataset.test) == 30
    assert any("links to folders that are read already" in note for note in dataset.notes)


def test_a_named_pipe_with_a_picture_s_name_does_not_hang(tree):
    root = tree(*pictures("cat", "dog"))
    os.mkfifo(root / "cat/pipe.png")
    assert "cat/pipe.png" in load(root).notes[1]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match=f"There is no folder {tmp_path}/gone"):
        load(tmp_path / "gone")


def test_no_folder_at_all_is_told_how_to_write_it():
    with pytest.raises(DataError, match="folders:PATH"):
        data.load("folders")


def test_an_archive_in_place_of_a_folder_is_told_to_be_unpacked(tmp_path):
    (tmp_path / "set.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match="unpack it"):
        load(tmp_path / "set.zip")


def test_an_empty_folder_is_refused(tree):
    with pytest.raises(DataError, match="no pictures in class folders"):
        load(tree())


def test_pictures_without_class_folders_are_refused(tree):
    with pytest.raises(DataError, match="<class>/<picture>"):
        load(tree("1.png", "2.png"))


def test_one_class_only_is_refused(tree):
    with pytest.raises(DataError, match="one class only, 'cat'"):
        load(tree(*pictures("cat")))


def test_a_class_of_two_pictures_cannot_be_divided_and_is_named(tree):
    with pytest.raises(DataError, match="Class 'dog' has 2 pictures"):
        load(tree(*pictures("cat"), "dog/1.png", "dog/2.png"))


def test_classes_that_differ_between_train_and_val_are_named(tree):
    root = tree("train/cat/1.png", "train/dog/1.png", "val/cat/1.png", "val/yak/1.png")
    with pytest.raises(DataError, match=r"train and val .* only in train: dog; only in val: yak"):
        load(root)


def test_a_class_that_test_lacks_is_named(tree):
    root = tree(*(f"train/{p}" for p in pictures("cat", "dog")), "test/cat/1.png")
    with pytest.raises(DataError, match=r"train and test .* only in train: dog"):
        load(root)


def test_an_empty_test_split_is_refused(tree):
    root = tree(*(f"train/{p}" for p in pictures("cat", "dog")))
    (root / "test").mkdir()
    with pytest.raises(DataError, match="test has no pictures"):
        load(root)
    (root / "test/cat").mkdir()
    with pytest.raises(DataError, match="test has no pictures"):
        load(root)


def test_val_and_test_without_train_are_refused(tree):
    with pytest.raises(DataError, match="no train folder"):
        load(tree("val/cat/1.png", "test/cat/1.png"))


def test_two_folders_for_one_split_are_refused(tree):
    with pytest.raises(DataError, match="both val and valid"):
        load(tree("train/a/1.png", "val/a/1.png", "valid/a/1.png"))


def test_a_folder_of_pictures_beside_the_splits_is_refused(tree):
    root = tree(*(f"train/{p}" for p in pictures("cat", "dog")), "yak/1.png")
    with pytest.raises(DataError, match="beside them 'yak'"):
        load(root)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_named(tree):
    root = tree(*pictures("cat", "dog"))
    (root / "cat").chmod(0)
    try:
        with pytest.raises(DataError, match="cat: Permission denied"):
            load(root)
    finally:
        (root / "cat").chmod(0o700)


def test_ten_thousand_files_are_listed_in_a_moment(tmp_path):
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for number in range(5000):
            (tmp_path / label / f"{number}.jpg").touch()
    start = time.perf_counter()
    dataset = load(tmp_path)
    assert time.perf_counter() - start < 5  # 0.1 s on an idle machine: nothing is decoded
    assert len(dataset.train) + len(dataset.val) + len(dataset.test) == 10_000
