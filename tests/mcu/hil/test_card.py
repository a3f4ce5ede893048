"""What the report says of a model in words, and its model card."""

from __future__ import annotations

import pytest

from mcu.bundle import Bundle
from mcu.hil.card import model_card, summary, wilson_interval
from tests.mcu.hil.test_record import a_run


@pytest.mark.parametrize(
    ("share", "n", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    [(81 / 263, 263, 0.2553, 0.3662), (15 / 148, 148, 0.0624, 0.1605), (0.0, 20, 0.0, 0.1611)],
)
def test_the_interval_is_wilsons(share: float, n: int, low: float, high: float):
    assert wilson_interval(share, n) == pytest.approx((low, high), abs=5e-5)


def test_the_card_names_data_and_licence_or_says_that_none_is_stated(bundle: Bundle):
    known = bundle.manifest.model_copy(
        update={"data": {"source": "digits", "seed": 0, "train": 1197, "test": 300, "licence": "CC BY 4.0"}}
    )
    card = model_card(a_run(), known, "accuracy")
    assert card["licence of the data"] == "CC BY 4.0"
    assert card["data"].startswith("digits, seed 0: 1\u202f197 to train")
    unknown = bundle.manifest.model_copy(update={"data": {}})
    assert model_card(a_run(), unknown, "accuracy")["licence of the data"].startswith("not stated")


def test_a_part_of_the_test_split_is_not_compared_as_if_it_were_the_whole(bundle: Bundle):
    run = a_run(
        samples=3,
        metrics={"accuracy": 0.5},
        training_metrics={"accuracy": {"float": 0.75, "ptq": None, "qat": None}},
    )
    whole = bundle.manifest.model_copy(update={"data": {"test": 3}})
    part = bundle.manifest.model_copy(update={"data": {"test": 300}})
    assert "−25.00 points from the float model's" in summary(run, whole, "accuracy")
    assert "75.00\u00a0% over the whole test split" in summary(run, part, "accuracy")
