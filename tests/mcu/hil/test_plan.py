"""The plan: data is held against the bundle before any port is opened, and samples are chosen the same every time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from keras_tiny.data.sample import Dataset, Split
from mcu.bundle import Bundle
from mcu.errors import BadInput
from mcu.hil.plan import choose, make_plan


def split_of(labels: list[int] | None) -> Split:
    count = 10 if labels is None else len(labels)
    ids = [f"s{i}" for i in range(count)]
    return Split("test", ids, labels, lambda name: np.zeros((8, 8, 1), np.uint8))


def test_without_a_limit_every_test_sample_is_streamed(bundle: Bundle, data: Dataset):
    plan = make_plan(bundle, data)
    assert plan.source == "digits"
    assert plan.indices == tuple(range(len(data.test)))


def test_a_name_a_data_set_and_its_split_mean_the_same_samples(bundle: Bundle, data: Dataset):
    plans = [make_plan(bundle, given, limit=7, seed=3) for given in ("digits", data, data.test)]
    assert len({plan.indices for plan in plans}) == 1
    assert [plan.split.ids[plan.indices[0]] for plan in plans] == [
        plans[0].split.ids[plans[0].indices[0]]
    ] * 3


def test_under_a_limit_the_classes_take_turns(bundle: Bundle, data: Dataset):
    plan = make_plan(bundle, data, limit=25)
    counts = np.bincount(data.test.labels[list(plan.indices)], minlength=10)
    assert sorted(counts.tolist()) == [2] * 5 + [3] * 5
    assert list(plan.indices) == sorted(plan.indices)


def test_the_choice_depends_on_the_seed_alone():
    split = split_of([0, 1] * 50)
    assert choose(split, limit=10, seed=1) == choose(split, limit=10, seed=1)
    assert choose(split, limit=10, seed=1) != choose(split, limit=10, seed=2)


def test_a_rare_class_gives_its_turn_to_the_others():
    split = split_of([0] + [1] * 20)
    chosen = choose(split, limit=6, seed=0)
    assert 0 in chosen
    assert len(set(chosen)) == 6


def test_samples_without_labels_are_chosen_too():
    assert len(set(choose(split_of(None), limit=4, seed=0))) == 4


def test_a_limit_beyond_the_split_is_the_whole_split():
    assert choose(split_of([0, 1]), limit=99, seed=0) == (0, 1)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"task": "segmentation"},
            r"'digits' is for segmentation, the bundle 'digits-linear' for classification",
        ),
        ({"labels": (*map(str, range(9)), "ten")}, r"only the bundle has '9'; only the data has 'ten'"),
        ({"labels": tuple(map(str, range(9)))}, r"only the bundle has '9'"),
        (
            {"labels": ("1", "0", *map(str, range(2, 10)))},
            r"another order: class 0 is '1' in the data, '0' in the bundle",
        ),
        ({"labels": tuple("abcdefghij")}, r"only the data has 'a', 'b', 'c', 'd', 'e' and 5 more"),
        ({"test": split_of([])}, r"The test split of 'digits' is empty"),
        ({"test": split_of([0, 10])}, r"classes 0 to 10, the bundle 0 to 9"),
        ({"test": split_of(None)}, r"no class labels"),
    ],
)
def test_data_that_is_not_the_bundles_names_the_difference(
    bundle: Bundle, data: Dataset, change: dict, says: str
):
    with pytest.raises(BadInput, match=says):
        make_plan(bundle, replace(data, **change))


def test_a_limit_below_one_is_refused(bundle: Bundle, data: Dataset):
    with pytest.raises(BadInput, match="limit is 0"):
        make_plan(bundle, data, limit=0)


def test_a_source_that_does_not_exist_gets_near_names(bundle: Bundle):
    with pytest.raises(BadInput, match=r"'digit'.*Did you mean digits"):
        make_plan(bundle, "digit")
