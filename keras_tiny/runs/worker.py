"""A worker that is not the chief: it shares the steps of the float phase, and writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from keras_tiny.recipe import Recipe
from keras_tiny.runs.float_phase import train_float
from keras_tiny.runs.folder import build_model, load_data
from keras_tiny.training.log import RunLog
from keras_tiny.training.pipeline import prepare
from keras_tiny.training.state import Store
from keras_tiny.training.strategy import Workers


def help_train(
    recipe: Recipe,
    run_dir: str | Path,
    *,
    workers: Workers,
    on_stage: Callable[[str], None] = lambda text: None,
) -> None:
    """Take part in the float phase that the chief's `run_recipe` runs.

    Args:
        recipe: the chief's.
        run_dir: the chief's folder; read when the run is resumed, so it lies where every worker sees it.
    """
    folder = Path(run_dir)
    data = load_data(recipe)
    model, task = build_model(recipe, data)
    on_stage("float: one worker of several")
    train_float(
        model,
        task,
        data,
        prepare(task, data),
        recipe,
        folder=folder,
        store=Store(folder, RunLog(folder / "log.jsonl"), writes=False),
        workers=workers,
        on_stage=on_stage,
        on_epoch=lambda record: None,
        on_step=lambda done, total: None,
    )
