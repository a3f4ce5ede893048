"""The float phase of a recipe: from drawn or taken-over weights, in its precision, on one worker or several."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_tiny.data.sample import Dataset
from keras_tiny.recipe import Recipe
from keras_tiny.runs.folder import build_model
from keras_tiny.tasks.task import Task
from keras_tiny.training.loop import OnEpoch, OnStep, train_phase
from keras_tiny.training.pipeline import PreparedData
from keras_tiny.training.precision import precision
from keras_tiny.training.state import Store
from keras_tiny.training.strategy import Workers, synchronise_batch_norm
from keras_tiny.training.warm_start import WarmStart, warm_start

PHASE = "float"
WARM_START_NAME = "warm_start.json"


def train_float(
    model: Any,
    task: Task,
    data: Dataset,
    prepared: PreparedData,
    recipe: Recipe,
    *,
    folder: Path,
    store: Store,
    workers: Workers,
    on_stage: Callable[[str], None],
    on_epoch: OnEpoch,
    on_step: OnStep,
) -> None:
    """Train the float32 model in place.

    What trains may be a twin of it, in mixed precision or shared between workers; the weights, float32 in both, go
    there and come back, so that everything after this phase sees a plain model.

    Raises:
        BadInput: a warm start of which no layer fits; TrainingFailed: the loss is no longer finite.
    """
    held = _start(model, recipe, folder=folder, store=store, writes=workers.is_chief, on_stage=on_stage)
    twin = model
    if not workers.alone or recipe.precision != "float32":
        with workers.scope(), precision(recipe.precision):
            twin, _ = build_model(recipe, data)
        if not workers.alone:
            synchronise_batch_norm(twin)
        twin.set_weights(model.get_weights())
    train_phase(
        twin,
        task,
        prepared,
        recipe,
        recipe.float_phase,
        name=PHASE,
        store=store,
        frozen_layers=held,
        frozen_epochs=recipe.warm_start.frozen_epochs,
        workers=workers,
        on_epoch=on_epoch,
        on_step=on_step,
    )
    if twin is not model:
        model.set_weights(twin.get_weights())


def _start(
    model: Any,
    recipe: Recipe,
    *,
    folder: Path,
    store: Store,
    writes: bool,
    on_stage: Callable[[str], None],
) -> frozenset[str]:
    """The layers that were taken over from the run that the recipe names."""
    if not recipe.warm_start.run:
        return frozenset()
    note = folder / WARM_START_NAME
    if store.path(PHASE).is_file() and note.is_file():
        return frozenset(WarmStart.read(note).taken)  # resumed: the weights come from the state
    found = warm_start(model, recipe.warm_start.run)
    on_stage(f"warm start: {found}")
    if writes:
        found.write(note)
    return frozenset(found.taken)
