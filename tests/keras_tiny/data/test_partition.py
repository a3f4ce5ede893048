"""Splits by a hash of the name: stable, stratified, never without a class."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_tiny.data.partition import partition, position, shuffled
from keras_tiny.errors import DataError

SHARES = {"test": 0.15, "val": 0.10}


def flat(splits) -> dict[str, str]:
    return {name: split for split, groups in splits.items() for names in groups.values() for name in names}


def test_positions_are_those_of_the_first_release():
    # A change of the hash would move everybody's files between train and test.
    assert position("cat/001.jpg", seed=0) == pytest.approx(0.8034531374590322, abs=1e-15)
    assert position("cat/001.jpg", seed=1) == pytest.approx(0.3328331554281748, abs=1e-15)


def test_adding_files_moves_no_other_file_between_splits():
    before = flat(partition({"cat": [f"cat/{i}.jpg" for i in range(400)]}, shares=SHARES, seed=3))
    after = flat(partition({"cat": [f"cat/{i}.jpg" for i in range(1000)]}, shares=SHARES, seed=3))
    assert {name: after[name] for name in before} == before


def test_shares_are_met_on_average_in_every_class():
    groups = {label: [f"{label}/{i}.jpg" for i in range(4000)] for label in ("cat", "dog")}
    for label, names in partition(groups, shares=SHARES, seed=0)["test"].items():
        assert 520 < len(names) < 680, label  # 600 expected, standard deviation 23
    for label, names in partition(groups, shares=SHARES, seed=0)["val"].items():
        assert 330 < len(names) < 470, label  # 400 expected, standard deviation 19


def test_another_seed_gives_another_split():
    groups = {"cat": [f"cat/{i}.jpg" for i in range(100)]}
    assert partition(groups, shares=SHARES, seed=0) != partition(groups, shares=SHARES, seed=1)


@given(st.sets(st.text(min_size=1, max_size=8), min_size=3, max_size=30), st.integers(0, 1000))
def test_every_split_has_every_class_and_every_name_is_in_one_split(names, seed):
    splits = partition({"cat": sorted(names)}, shares=SHARES, seed=seed)
    assert all(splits[split]["cat"] for split in ("train", "val", "test"))
    assert sorted(name for groups in splits.values() for name in groups["cat"]) == sorted(names)


def test_a_class_too_small_to_be_divided_is_named():
    with pytest.raises(DataError, match="Class 'yak' has 2 pictures; test and val and train"):
        partition({"cat": ["a", "b", "c"], "yak": ["d", "e"]}, shares=SHARES, seed=0)


def test_the_two_unicode_forms_of_one_name_have_one_position():
    composed = unicodedata.normalize("NFC", "müll/übung.png")
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    assert position(composed, seed=0) == position(decomposed, seed=0)


def test_a_name_that_is_no_unicode_has_a_position():
    assert 0 <= position("cat/\udcff.jpg", seed=0) < 1


def test_the_first_of_the_shuffled_names_are_a_fair_sample():
    names = [f"cat/{i}" for i in range(500)] + [f"dog/{i}" for i in range(500)]
    first = shuffled(names, seed=0)[:100]
    assert 30 < sum(name.startswith("cat") for name in first) < 70
