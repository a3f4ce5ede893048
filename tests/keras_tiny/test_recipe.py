"""Recipes: what is written is what is read, and what is misspelt is named with its neighbours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_tiny.errors import BadInput, UnknownName
from keras_tiny.recipe import Recipe, dump_recipe, find_recipe, known_keys, load_recipe, override

GARDEN = sorted(path.stem for path in (Path(__file__).parents[2] / "keras_tiny" / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("name", GARDEN)
def test_every_recipe_of_the_garden_states_its_claim_time_and_command(name: str, tmp_path: Path):
    recipe = find_recipe(name)
    assert recipe.claim
    assert recipe.time
    assert recipe.command
    (tmp_path / "again.yaml").write_text(dump_recipe(recipe), encoding="utf-8")
    assert load_recipe(tmp_path / "again.yaml") == recipe


@given(st.integers(1, 999), st.floats(1e-6, 1.0), st.booleans())
def test_a_recipe_written_and_read_is_the_same(epochs: int, rate: float, flip: bool):
    import yaml

    from keras_tiny.recipe import parse_recipe

    recipe = parse_recipe(
        {"float_phase": {"epochs": epochs, "learning_rate": rate}, "augment": {"flip": flip}}, origin="test"
    )
    assert parse_recipe(yaml.safe_load(dump_recipe(recipe)), origin="test") == recipe


def test_settings_replace_single_values_and_read_them_as_yaml():
    recipe = override(
        Recipe(),
        [
            "model=mobilenet_v1",
            "model.arguments.width=0.25",
            "augment.flip=true",
            "data.image_size=[48, 64]",
            "seed=7",
        ],
    )
    assert (recipe.model.name, recipe.model.arguments) == ("mobilenet_v1", {"width": 0.25})
    assert recipe.augment.flip is True
    assert recipe.data.image_size == (48, 64)
    assert recipe.seed == 7


def test_a_step_is_a_name_or_a_choice_with_its_probability():
    recipe = override(Recipe(), ["augment_steps=[flip, {p: 1, of: [fog, rain]}]"])
    assert [(step.p, step.of) for step in recipe.augment_steps] == [(0.5, ("flip",)), (1, ("fog", "rain"))]
    for wrong in ("[flap]", "[{of: []}]", "[{p: 0, of: [flip]}]"):
        with pytest.raises(BadInput, match="augment_steps"):
            override(Recipe(), [f"augment_steps={wrong}"])


@pytest.mark.parametrize(
    ("setting", "near"),
    [
        ("float_phase.epoch=3", "float_phase.epochs"),
        ("batchsize=3", "batch_size"),
        ("augment.flips=true", "augment.flip"),
        ("seed.epochs=3", "float_phase.epochs"),
    ],
)
def test_a_misspelt_key_offers_near_names(setting: str, near: str):
    with pytest.raises(UnknownName) as refused:
        override(Recipe(), [setting])
    assert near in refused.value.hint


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ("batch_size=many", "batch_size"),
        ("batch_size=0", "batch_size"),
        ("float_phase.learning_rate=-1", "learning_rate"),
        ("augment.shift=2", "shift"),
        ("float_phase.schedule=cosin", "schedule"),
        ("seed", "key=value"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_received(setting: str, word: str):
    with pytest.raises(BadInput, match=word):
        override(Recipe(), [setting])


@pytest.mark.parametrize(
    "text",
    ["- a\n- b\n", "just words", "a: [1", "!!python/object/apply:os.system ['touch executed']", "x: &a [*a]"],
)
def test_a_file_that_is_no_recipe_is_refused_without_running_it(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(BadInput, match=r"bad\.yaml"):
        load_recipe(tmp_path / "bad.yaml")
    assert not (tmp_path / "executed").exists()


def test_every_key_that_is_offered_can_be_set_to_its_own_value():
    fields = Recipe().model_dump(mode="json")
    for key in known_keys():
        value = fields
        for part in key.split("."):
            value = value[part]
        assert override(Recipe(), [f"{key}={json.dumps(value)}"]) == Recipe()
