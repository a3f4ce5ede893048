"""The packaged digits: complete, unchanged and split the same way for ever."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from keras_tiny import data
from keras_tiny.data import digits, digits_pack
from keras_tiny.errors import DataError


def test_the_splits_are_stratified_and_share_no_digit():
    dataset = data.load("digits")
    assert [len(split) for split in (dataset.train, dataset.val, dataset.test)] == [1197, 300, 300]
    for split in (dataset.val, dataset.test):
        assert np.bincount(split.labels).tolist() == [30] * 10
    ids = [name for split in (dataset.train, dataset.val, dataset.test) for name in split.ids]
    assert len(set(ids)) == 1797


def test_the_split_is_the_one_of_the_first_release():
    _, labels, split = digits.packed()
    # Everybody's published figures hang on it: this hash must never change.
    assert (
        hashlib.sha256(split.tobytes()).hexdigest()
        == "090fc959c2d25b1722872aa6420accb18dd1c5a3b9d4c48de1e2f55476837ae0"
    )
    np.testing.assert_array_equal(digits_pack.stratified(labels), split)


def test_the_pictures_and_labels_are_those_of_the_first_release():
    pixels, labels, _ = digits.packed()
    found = hashlib.sha256(pixels.tobytes() + labels.tobytes()).hexdigest()
    assert found == "a19cb3d96bba7deace8ee5a513a6eb7bad0403d528f00bf4d351b6a7a55baa91"


def test_the_pictures_are_those_of_scikit_learn():
    # Not a tool that CI must have: the hash above holds the same bytes without it.
    original = pytest.importorskip("sklearn.datasets", reason="needs scikit-learn").load_digits()
    pixels, labels, _ = digits.packed()
    np.testing.assert_array_equal(labels, original.target)
    np.testing.assert_array_equal(pixels, np.floor(original.images * 255 / 16 + 0.5))
    assert (pixels.min(), pixels.max()) == (0, 255)


def test_a_sample_is_the_picture_its_name_says():
    pixels, labels, _ = digits.packed()
    sample = data.load("digits").test[7]
    index = int(sample.id.removeprefix("digits/"))
    np.testing.assert_array_equal(sample.image[:, :, 0], pixels[index])
    assert sample.label == labels[index]


def test_three_channels_repeat_the_grey():
    grey, colour = data.load("digits").val[0], data.load("digits", channels=3).val[0]
    assert grey.image.shape == (8, 8, 1)
    np.testing.assert_array_equal(colour.image, np.repeat(grey.image, 3, axis=2))


def test_the_seed_does_not_move_the_fixed_split():
    assert data.load("digits", seed=0).test.ids == data.load("digits", seed=9).test.ids


def test_the_default_input_is_32_by_32_grey():
    spec = data.load("digits").preprocessing
    assert (spec.height, spec.width, spec.channels, spec.mean, spec.std) == (32, 32, 1, (128.0,), (128.0,))


def test_a_path_after_digits_is_refused():
    with pytest.raises(DataError, match="takes no path"):
        data.load("digits:/somewhere")
