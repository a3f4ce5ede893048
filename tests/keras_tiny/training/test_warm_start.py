"""Starting from another run's weights: what fits by name and shapes is taken, the rest is named, and it can be held."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from keras_tiny.errors import BadInput
from keras_tiny.recipe import PhasePart, Recipe
from tests.keras_tiny.training.small import few_digits, small_model


def weights_of(model, layer: str) -> list[np.ndarray]:  # type: ignore[no-untyped-def]
    return model.get_layer(layer).get_weights()


@pytest.fixture
def checkpoint(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A trained run's folder, as far as a warm start reads it."""
    model = small_model(seed=8)
    from keras_tiny.training.checkpoint import save_weights

    save_weights(tmp_path / "float.npz", model)
    return model, tmp_path


@pytest.mark.parametrize("named", ["folder", "file"])
def test_layers_of_equal_name_and_shapes_are_taken_and_the_others_are_named(checkpoint, named: str):  # type: ignore[no-untyped-def]
    from keras_tiny.training.warm_start import warm_start

    other, folder = checkpoint
    model = small_model(seed=1, classes=4)
    fresh = weights_of(model, "head")
    found = warm_start(model, folder if named == "folder" else folder / "float.npz")
    assert found.taken == ("conv", "norm")
    assert (found.missing, found.other_shape, found.unused) == ((), ("head",), ())
    for layer, expected in (("conv", weights_of(other, "conv")), ("head", fresh)):
        for one, two in zip(weights_of(model, layer), expected, strict=True):
            np.testing.assert_array_equal(one, two)
    assert "of another shape in it: head" in str(found)


def test_what_only_one_side_has_is_named(checkpoint):  # type: ignore[no-untyped-def]
    from keras_tiny.keras_api import keras
    from keras_tiny.training.warm_start import warm_start

    _, folder = checkpoint
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            layers.Conv2D(8, 3, use_bias=False, name="conv"),
            layers.Flatten(),
            layers.Dense(2, name="new"),
        ]
    )
    found = warm_start(model, folder)
    assert (found.taken, found.missing, found.unused) == (("conv",), ("new",), ("norm", "head"))


def test_a_checkpoint_of_which_no_layer_fits_is_refused_with_the_names_of_both_sides(checkpoint):  # type: ignore[no-untyped-def]
    from keras_tiny.keras_api import keras
    from keras_tiny.training.warm_start import warm_start

    _, folder = checkpoint
    model = keras.Sequential(
        [keras.Input((12, 12, 1)), keras.layers.Flatten(), keras.layers.Dense(3, name="mine")]
    )
    before = model.get_weights()
    with pytest.raises(BadInput, match=r"No layer of .*float\.npz fits: it has conv, norm, head; .* mine\."):
        warm_start(model, folder)
    for one, two in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_run_without_weights_is_refused(tmp_path: Path):
    model = small_model()
    from keras_tiny.training.warm_start import warm_start

    with pytest.raises(BadInput, match=r"no checkpoint .*float\.npz"):
        warm_start(model, tmp_path)


def test_held_layers_stay_to_the_bit_and_learn_afterwards_also_when_resumed(tmp_path: Path):
    from keras_tiny.training.log import RunLog
    from keras_tiny.training.loop import train_phase
    from keras_tiny.training.state import Store

    task, data = few_digits()
    after_first: list[list[np.ndarray]] = []

    def train(model, folder: Path, *, cut_off: bool = False) -> None:  # type: ignore[no-untyped-def]
        def look(record) -> None:  # type: ignore[no-untyped-def]
            after_first.append([*weights_of(model, "conv"), *weights_of(model, "norm")])
            if cut_off:
                raise KeyboardInterrupt

        folder.mkdir(exist_ok=True)
        train_phase(
            model,
            task,
            data,
            Recipe(seed=5),
            PhasePart(epochs=2, learning_rate=0.01, schedule="constant"),
            name="float",
            store=Store(folder, RunLog(folder / "log.jsonl")),
            frozen_layers=frozenset({"conv", "norm"}),
            frozen_epochs=1,
            on_epoch=look,
        )

    whole = small_model()
    before = [*weights_of(whole, "conv"), *weights_of(whole, "norm")]
    head = weights_of(whole, "head")[0]
    train(whole, tmp_path / "whole")
    for one, two in zip(after_first[0], before, strict=True):
        np.testing.assert_array_equal(one, two)
    assert all(np.abs(one - two).max() > 0 for one, two in zip(after_first[1], before, strict=True))
    assert np.abs(weights_of(whole, "head")[0] - head).max() > 0
    assert all(layer.trainable for layer in whole.layers)

    with pytest.raises(KeyboardInterrupt):
        train(small_model(), tmp_path / "cut", cut_off=True)
    resumed = small_model(seed=77)
    train(resumed, tmp_path / "cut")
    for one, two in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_holding_everything_is_refused():
    model = small_model()
    from keras_tiny.training.warm_start import frozen

    with (
        pytest.raises(BadInput, match="nothing left to learn"),
        frozen(model, frozenset({"conv", "norm", "head"})),
    ):
        pass
    assert model.trainable_variables
