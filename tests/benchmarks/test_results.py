"""The page of results holds what the commands measured, and every row can be run again as it is printed."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from keras_tiny.models import MODELS
from keras_tiny.recipe import Recipe, find_recipe, override
from tests.benchmarks.results import distillation
from tests.benchmarks.results.page import PAGE, read_store, render, to_markdown
from tests.benchmarks.results.run import train_row
from tests.benchmarks.results.tables import TABLES, Row

ROWS = [(table, row) for table in TABLES.values() for row in table.rows]


def recipe_of(row: object) -> Recipe:
    return override(find_recipe(row.recipe), list(row.settings))


def measured() -> dict[str, list[dict]]:
    """The tables of trained recipes; the comparison with a teacher has a form of its own."""
    return {name: rows for name, rows in read_store().items() if name != distillation.NAME}


def test_the_page_shows_what_was_measured():
    page = PAGE.read_text(encoding="utf-8")
    assert render(page, read_store()) == page


def test_every_table_has_its_place_on_the_page_and_every_row_its_table():
    page = PAGE.read_text(encoding="utf-8")
    for name in (*TABLES, distillation.NAME):
        assert f"<!-- table: {name} -->" in page
    for name, rows in measured().items():
        assert {row["name"] for row in rows} <= {row.name for row in TABLES[name].rows}


@pytest.mark.parametrize(("table", "row"), ROWS, ids=[f"{table.name}/{row.name}" for table, row in ROWS])
def test_a_rows_settings_make_a_recipe(table: object, row: object):
    assert recipe_of(row).model.name in MODELS


def test_a_row_starts_from_a_row_of_another_table():
    for _, row in ROWS:
        if row.warm_start is not None:
            table, _, name = row.warm_start.partition("/")
            assert name in {each.name for each in TABLES[table].rows}


def test_a_measured_row_was_measured_with_the_settings_that_it_has_today():
    for name, rows in measured().items():
        today = {row.name: row for row in TABLES[name].rows}
        for row in rows:
            assert (row["recipe"], tuple(row["settings"]), row.get("warm_start")) == (
                today[row["name"]].recipe,
                today[row["name"]].settings,
                today[row["name"]].warm_start,
            )


def test_every_row_answered_bit_for_bit_on_the_board():
    for name, rows in measured().items():
        assert {row["name"]: row["mismatched_samples"] for row in rows} == {row["name"]: 0 for row in rows}, (
            name
        )


@pytest.mark.parametrize("row", measured()["cifar10_garden"], ids=lambda row: row["name"])
def test_a_classifier_learned_cifar10_in_ten_minutes_and_lost_at_most_a_point_to_int8(row: dict):
    float_limit = 0.70 if row["name"].startswith("mobilenet") or row["name"] == "etinynet-1.0" else 0.60
    assert row["float"] >= float_limit
    assert row["qat"] >= row["float"] - 0.01
    assert row["training_minutes"] <= 10
    assert row["samples"] >= 2000


CAMVID_FLOAT_LIMITS = {
    **{"unet5": 0.40, "unet4": 0.40, "mobile_unet": 0.35, "espnet": 0.35, "efficient_unet": 0.35},
    **{"small_unet4": 0.30, "tiny_unet5": 0.30},
}


@pytest.mark.parametrize("row", measured()["camvid"], ids=lambda row: row["name"])
def test_a_segmenter_learned_camvid_in_twelve_minutes_and_lost_at_most_a_point_and_a_half_to_int8(row: dict):
    assert row["float"] >= CAMVID_FLOAT_LIMITS[row["name"]]
    assert row["qat"] >= row["float"] - 0.015
    assert row["training_minutes"] <= 12
    assert min(map(int, row["input"].split("x")[:2])) >= 96
    assert row["samples"] == 233


def test_three_families_of_segmenters_fit_320_kib_and_one_128_kib():
    rows = {row["name"]: row for row in measured()["camvid"]}
    small = [row for row in rows.values() if row["arena_bytes"] <= 320 * 1024]
    assert len({find_recipe(row["recipe"]).model.name for row in small}) >= 3
    assert [row["name"] for row in small if row["arena_bytes"] <= 128 * 1024 and row["board"] >= 0.30]


def test_the_ink_of_digits_is_found_on_the_board_after_twenty_minutes():
    (row,) = measured()["digits_ink"]
    assert row["board"] >= 0.85
    assert row["training_minutes"] <= 20
    assert row["samples"] == 500


def test_every_seed_gains_from_a_teacher_in_six_minutes():
    alone, distilled = read_store()[distillation.NAME]
    assert alone["seeds"] == distilled["seeds"] == [1, 2, 3]
    for which in ("float", "qat"):
        assert all(a < b for a, b in zip(alone[which], distilled[which], strict=True))
    assert max(alone["minutes"] + distilled["minutes"]) <= 6


@pytest.mark.parametrize("table", ["camvid", "raccoons", "digits_scenes", "digits_ink"])
def test_a_recipe_claims_what_was_measured(table: str):
    rows = measured()[table]
    for recipe in {row["recipe"] for row in rows}:
        claim = find_recipe(recipe).claim
        of_recipe = [row for row in rows if row["recipe"] == recipe]
        for which in ("float", "board"):
            assert f"{statistics.mean(row[which] for row in of_recipe):.3f}" in claim
        if "bytes measured" in claim:
            assert [f"({row['arena_bytes']:,} bytes measured)" in claim for row in of_recipe] == [True]


def test_a_new_row_changes_the_page():
    row = {
        **{"name": "mobilenet_v1-0.5", "recipe": "cifar10_ten_minutes", "settings": [], "input": "64x64x3"},
        **{"params": 1000, "macs": 2000, "tflite_bytes": 3000, "arena_bytes": 4000, "metric": "accuracy"},
        **{"float": 0.5, "ptq": 0.25, "qat": 0.75, "board": 0.125, "samples": 8, "mismatched_samples": 1},
        **{"epochs": 2, "training_minutes": 1.5},
    }
    text = to_markdown(TABLES["cifar10_garden"], [row])
    facts, shares = "64x64x3 | 1,000 | 2,000 | 3,000 | 4,000", "50.00% | 25.00% | 75.00% | 12.50%"
    assert f"| mobilenet_v1-0.5 | {facts} | {shares} | 7/8 | 2 | 1.5 |" in text
    page = PAGE.read_text(encoding="utf-8")
    assert text in render(page, {"cifar10_garden": [row]})
    text = to_markdown(TABLES["cifar10_garden"], [{**row, "name": "good", "qat": 0.5, "ptq": 0.5}, row])
    lowest = "PTQ -25.00 points (`mobilenet_v1-0.5`), QAT +0.00 points (`good`), board -37.50 points (`good`)"
    assert f"The lowest against float: {lowest}." in text
    assert "| mean |" not in text
    text = to_markdown(TABLES["raccoons"], [row, {**row, "float": 1.0}])
    assert "| mean | | | | | | 75.00% | 25.00% | 75.00% | 12.50% | | | |" in text


def test_a_row_that_starts_from_another_run_is_trained_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    said: list[tuple[str, ...]] = []

    def call(module: str, *words: str) -> dict:
        said.append((module, *words))
        (tmp_path / "result.json").write_text("{}", encoding="utf-8")
        return {}

    monkeypatch.setattr("tests.benchmarks.results.run.call", call)
    row = Row("any", "camvid_unet5", ("seed=2",))
    train_row(row, source="digits_masks", run=tmp_path, warm_start=Path("other/run"))
    train_row(row, source="digits_masks", run=tmp_path)
    ((module, *words),) = said
    assert (module, words[0]) == ("keras_tiny.cli", "train")
    settings = [words[i + 1] for i, word in enumerate(words) if word == "--set"]
    assert settings == ["seed=2", "warm_start.run=other/run"]
    assert override(find_recipe(row.recipe), settings).warm_start.run == "other/run"
