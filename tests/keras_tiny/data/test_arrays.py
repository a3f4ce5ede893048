"""Whole splits as arrays, and the check of every picture before training."""

from __future__ import annotations

import numpy as np
import pytest

from keras_tiny import data
from keras_tiny.data import BadImages, Split
from keras_tiny.errors import DataError
from keras_tiny.preprocessing.image import normalise, prepare
from keras_tiny.preprocessing.spec import PreprocessingSpec


def test_the_array_normalised_is_prepare_of_each_sample_to_the_bit():
    split = data.load("digits", channels=3).val
    spec = PreprocessingSpec(
        height=20, width=24, channels=3, mean=(120.0, 118.5, 99.0), std=(58.0, 57.0, 61.3)
    )
    images, labels = data.prepare_split(split, spec)
    assert (images.dtype, images.shape) == (np.uint8, (300, 20, 24, 3))
    assert (labels.dtype, labels.tolist()) == (np.int64, [sample.label for sample in split])
    expected = np.stack([prepare(sample.image, spec) for sample in split])
    np.testing.assert_array_equal(normalise(images, spec), expected)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_order_does_not_depend_on_the_number_of_threads(workers):
    dataset = data.load("digits")
    images, _ = data.prepare_split(dataset.train, dataset.preprocessing, workers=workers)
    one, _ = data.prepare_split(dataset.train[1000:1001], dataset.preprocessing)
    np.testing.assert_array_equal(images[1000], one[0])


def test_progress_counts_up_to_the_number_of_pictures():
    dataset = data.load("digits")
    seen = []
    data.prepare_split(
        dataset.val, dataset.preprocessing, progress=lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (300, 300)
    assert seen == sorted(seen)
    seen.clear()
    data.check(dataset, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (1797, 1797)
    assert seen == sorted(seen)


def test_the_labels_are_a_copy():
    split = data.load("digits").val
    _, labels = data.prepare_split(split, PreprocessingSpec(height=8, width=8, channels=1))
    labels[:] = 99
    assert split.labels.max() == 9


def test_every_corrupt_picture_is_named_in_one_error(tree):
    root = tree(*(f"{label}/{i:03}.png" for label in ("cat", "dog") for i in range(90)))
    for bad in ("cat/003.png", "dog/089.png"):
        (root / bad).write_bytes((root / bad).read_bytes()[:50])
    dataset = data.load(f"folders:{root}")
    (root / "dog/045.png").unlink()  # it vanishes after the listing
    with pytest.raises(BadImages, match="3 of 180 pictures") as caught:
        data.check(dataset)
    for name in ("003.png", "089.png", "045.png"):
        assert name in str(caught.value)
    assert len(caught.value.reasons) == 3


def test_of_many_corrupt_pictures_the_first_are_in_the_message_and_all_in_the_error(tree):
    root = tree(*(f"{label}/{i:03}.png" for label in ("cat", "dog") for i in range(30)))
    for file in root.rglob("*.png"):
        file.write_bytes(b"")
    with pytest.raises(BadImages, match="and 40 more") as caught:
        data.check(data.load(f"folders:{root}"))
    assert len(caught.value.reasons) == 60


def test_a_split_with_a_corrupt_picture_gives_no_array(tree):
    root = tree(*(f"{label}/{i}.png" for label in ("cat", "dog") for i in range(5)))
    dataset = data.load(f"folders:{root}")
    (root / dataset.train.ids[0]).write_bytes(b"junk")
    with pytest.raises(BadImages, match=dataset.train.ids[0]):
        data.prepare_split(dataset.train, dataset.preprocessing)


def test_an_error_that_is_not_about_a_picture_is_not_swallowed():
    def read(name):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        data.prepare_split(Split("val", ["a"], [0], read), PreprocessingSpec(height=4, width=4))


def test_a_split_without_class_labels_is_refused():
    split = Split("val", ["a"], None, lambda name: np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(DataError, match="no class labels"):
        data.prepare_split(split, PreprocessingSpec(height=4, width=4))


def test_a_slice_of_a_split_is_a_split():
    split = data.load("digits").test
    part = split[10:40:3]
    assert len(part) == 10
    assert part[1].id == split[13].id
    assert part[1].label == split[13].label
    assert split[-1].id == split[299].id
