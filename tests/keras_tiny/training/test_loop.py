"""Training on a few digits: it learns, it stops at a NaN, and a run that was cut off ends with the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from keras_tiny.errors import BadInput, TrainingFailed
from keras_tiny.recipe import AugmentPart, OptimizerPart, PhasePart, Recipe
from tests.keras_tiny.training.small import few_digits, small_model


@pytest.fixture(scope="module")
def data():  # type: ignore[no-untyped-def]
    return few_digits()


RECIPE = Recipe(
    batch_size=32,
    augment=AugmentPart(shift=0.1, rotate_degrees=5, flip=False, brightness=0.1, contrast=0.1, cutout=0.2),
    optimizer=OptimizerPart(weight_decay=1e-4),
    mixup=0.1,
    seed=5,
)


def train(  # type: ignore[no-untyped-def]
    model,
    data,
    phase: PhasePart,
    *,
    folder: Path | None = None,
    recipe: Recipe = RECIPE,
    name="float",
    **callbacks,
):
    from keras_tiny.training.log import RunLog
    from keras_tiny.training.loop import train_phase
    from keras_tiny.training.state import Store

    store = None if folder is None else Store(folder, RunLog(folder / "log.jsonl"))
    return train_phase(model, *data, recipe, phase, name=name, store=store, **callbacks)


class Killed(Exception):
    """Stands for the power going out between two steps."""


def test_a_small_network_learns_the_digits(data):  # type: ignore[no-untyped-def]
    model = small_model()
    plain = RECIPE.model_copy(update={"augment": AugmentPart(), "mixup": 0.0})
    result = train(model, data, PhasePart(epochs=12, learning_rate=0.01), recipe=plain)
    assert result.best_val_metric > 0.8
    assert result.records[-1].loss < result.records[0].loss / 2


@pytest.mark.parametrize(
    "at_step",
    [10, 25, pytest.param(1, marks=pytest.mark.slow), pytest.param(11, marks=pytest.mark.slow)],
)
def test_a_run_cut_off_at_any_step_and_resumed_ends_with_the_same_weights(data, tmp_path: Path, at_step: int):  # type: ignore[no-untyped-def]
    phase = PhasePart(epochs=3, learning_rate=0.01)
    whole = small_model()
    expected = train(whole, data, phase, folder=tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()

    steps = 0

    def power_cut(done: int, total: int) -> None:
        nonlocal steps
        steps += 1
        if steps == at_step:
            raise Killed

    with pytest.raises(Killed):
        train(small_model(), data, phase, folder=tmp_path, on_step=power_cut)
    again = small_model(seed=99)  # a resumed run must not depend on what it starts from
    if not (tmp_path / "float.state.npz").exists():
        again = small_model()  # cut off before the first checkpoint: it starts anew
    resumed = train(again, data, phase, folder=tmp_path)
    assert [(r.loss, r.val_metric, r.val_loss) for r in resumed.records] == [
        (r.loss, r.val_metric, r.val_loss) for r in expected.records
    ]
    for one, other in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_epoch_may_end_before_every_picture_was_seen(data):  # type: ignore[no-untyped-def]
    seen = []
    phase = PhasePart(epochs=2, steps_per_epoch=3, learning_rate=0.01)
    result = train(small_model(), data, phase, on_step=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)] * 2
    assert result.records[-1].learning_rate < 0.001, "the schedule ends with the last step that is taken"


@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_model_ends_with_the_weights_that_the_phase_keeps(data, keep: str):  # type: ignore[no-untyped-def]
    model, after = small_model(), []
    phase = PhasePart(epochs=3, steps_per_epoch=4, learning_rate=0.3, schedule="constant", keep=keep)
    result = train(model, data, phase, on_epoch=lambda record: after.append(model.get_weights()))
    kept = after[result.best_epoch if keep == "best" else -1]
    for one, other in zip(model.get_weights(), kept, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(data):  # type: ignore[no-untyped-def]
    phase = PhasePart(epochs=1)
    weights = []
    for seed in (5, 5, 6):
        model = small_model()
        train(model, data, phase, recipe=RECIPE.model_copy(update={"seed": seed}))
        weights.append(np.concatenate([w.ravel() for w in model.get_weights()]))
    np.testing.assert_array_equal(weights[0], weights[1])
    assert np.abs(weights[0] - weights[2]).max() > 0


def test_a_loss_that_is_not_finite_stops_and_keeps_the_best_weights(data, tmp_path: Path):  # type: ignore[no-untyped-def]
    from keras_tiny.training.checkpoint import load_arrays

    model = small_model()
    train(model, data, PhasePart(epochs=2, learning_rate=0.01, schedule="constant"), folder=tmp_path)
    good = model.get_weights()
    kept = load_arrays(tmp_path / "float.state.npz")
    with pytest.raises(TrainingFailed, match=r"loss became (nan|inf) in the float phase, epoch 3") as failure:
        train(model, data, PhasePart(epochs=9, learning_rate=1e30, schedule="constant"), folder=tmp_path)
    assert "learning rate" in failure.value.hint
    for one, other in zip(model.get_weights(), good, strict=True):
        np.testing.assert_array_equal(one, other)
    after = load_arrays(tmp_path / "float.state.npz")
    assert all(np.array_equal(kept[name], after[name]) for name in kept)


def test_a_checkpoint_of_another_model_is_refused_by_the_weight_that_differs(data, tmp_path: Path):  # type: ignore[no-untyped-def]
    from keras_tiny.keras_api import keras
    from keras_tiny.training.checkpoint import load_weights, save_weights

    save_weights(tmp_path / "a.npz", small_model())
    other = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    with pytest.raises(BadInput, match="another model: it has 7 weights, this one has 2"):
        load_weights(tmp_path / "a.npz", other)
    wider = keras.Sequential([*small_model().layers[:-1], keras.layers.Dense(11)])
    wider.build((None, 12, 12, 1))
    before = wider.get_weights()
    with pytest.raises(BadInput, match=r"shape \(288, 10\).*needs \(288, 11\)"):
        load_weights(tmp_path / "a.npz", wider)
    for one, unchanged in zip(wider.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, unchanged)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04broken"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes):
    from keras_tiny.training.checkpoint import load_arrays

    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(BadInput, match="not a checkpoint"):
        load_arrays(tmp_path / "x.npz")


def test_early_stopping_ends_after_so_many_epochs_without_a_better_one(data):  # type: ignore[no-untyped-def]
    phase = PhasePart(epochs=50, learning_rate=1e-12, early_stopping=3)
    result = train(small_model(), data, phase)
    assert len(result.records) <= result.best_epoch + 1 + 3 < 50


def test_a_short_qat_phase_keeps_the_batchnorm_momentum_of_the_float_phase(data):  # type: ignore[no-untyped-def]
    def momenta(model) -> list[float]:  # type: ignore[no-untyped-def]
        return [layer.momentum for layer in model.layers if hasattr(layer, "momentum")]

    one_epoch = PhasePart(epochs=1)
    recipe = RECIPE.model_copy(update={"float_phase": PhasePart(epochs=12)})
    model, short = small_model(), small_model()
    train(model, data, one_epoch, recipe=recipe, name="qat")
    train(short, data, one_epoch, recipe=recipe)
    assert momenta(short)
    assert all(kept > fitted for kept, fitted in zip(momenta(model), momenta(short), strict=True))


def test_weight_decay_applies_to_kernels_only():
    from keras_tiny.training.optimizer import decays

    names = [
        "stem_conv/kernel:0",
        "x/depthwise_kernel:0",
        "bn/gamma:0",
        "bn/beta:0",
        "head/bias:0",
        "q_conv/kernel_min:0",
    ]
    assert [decays(name) for name in names] == [True, True, False, False, False, False]
