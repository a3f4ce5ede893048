"""A run folder on disk: opened for a recipe, read back as a model with its trained weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from keras_tiny import models, quantization
from keras_tiny.data import load
from keras_tiny.data.sample import Dataset
from keras_tiny.errors import BadInput
from keras_tiny.keras_api import tf
from keras_tiny.recipe import Recipe, dump_recipe, load_recipe
from keras_tiny.tasks import TASKS, task_for
from keras_tiny.tasks.task import Task
from keras_tiny.training.checkpoint import load_weights
from keras_tiny.training.seeds import seed_everything
from keras_tiny.versions import tool_versions


def load_data(recipe: Recipe) -> Dataset:
    """The data set that the recipe names, at its size."""
    part = recipe.data
    return load(part.source, image_size=part.image_size, channels=part.channels, seed=part.seed)


def build_model(recipe: Recipe, data: Dataset) -> tuple[Any, Task]:
    """The float model that the recipe names, for this data, with freshly drawn weights, and its task."""
    shape = data.input_shape
    seed_everything(recipe.seed)
    try:
        model = models.build(
            recipe.model.name,
            input_shape=shape,
            # A recipe may say otherwise: a segmenter of two classes may have one output.
            **{"num_classes": TASKS.load(data.task).model_classes(data.labels), **recipe.model.arguments},
        )
    except TypeError as error:  # an argument that the builder does not have
        raise BadInput(
            f"model.arguments of the recipe do not fit {recipe.model.name}: {error}.",
            hint=f"`keras-tiny models {recipe.model.name}` lists them.",
        ) from None
    return model, task_for(model, data)


def load_run(run_dir: str | Path, *, quantized: bool = True) -> tuple[Any, Task, Dataset]:
    """A finished run's model with its trained weights, its task and its data.

    Args:
        quantized: the QAT model, else the float one.
    """
    folder = Path(run_dir)
    if not (folder / "recipe.yaml").is_file():
        raise BadInput(
            f"{folder} is not a run folder: it has no recipe.yaml.", hint="Make one: keras-tiny train"
        )
    recipe = load_recipe(folder / "recipe.yaml")
    data = load_data(recipe)
    model, task = build_model(recipe, data)
    if quantized:
        model = quantization.quantize(model, input_range=data.preprocessing.input_range)
    weights = folder / ("qat.npz" if quantized else "float.npz")
    if not weights.is_file():
        raise BadInput(
            f"{folder} is not finished: {weights.name} is missing.", hint="Go on: keras-tiny train --resume"
        )
    load_weights(weights, model)
    return model, task, data


def open_folder(folder: Path, recipe: Recipe, *, resume: bool) -> Path:
    """A new folder with recipe and versions in it; with `resume`, one that was started with the same recipe."""
    stored = folder / "recipe.yaml"
    if resume:
        if not stored.is_file():
            raise BadInput(f"There is no run to resume in {folder}.", hint="Leave out --resume to start one.")
        changes = differences(load_recipe(stored), recipe)
        if changes:
            raise BadInput(
                f"{folder} was started with another recipe; changed: {'; '.join(changes)}.",
                hint="Resume with the same settings, or start a new run in another folder.",
            )
        if not (folder / "versions.json").is_file():
            _write_versions(folder, recipe)
        return folder
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(
            f"The run folder {folder} is not empty; it is left alone.", hint="Add --resume, or name another."
        )
    folder.mkdir(parents=True, exist_ok=True)
    # Beside the folder first, then in as a whole: a run that is killed here leaves an empty folder, or one to resume.
    beside = folder.with_name(f".{folder.name}.recipe.tmp")
    beside.write_text(dump_recipe(recipe), encoding="utf-8")
    beside.replace(stored)
    _write_versions(folder, recipe)
    return folder


def _write_versions(folder: Path, recipe: Recipe) -> None:
    versions = {
        **tool_versions(),
        "seed": recipe.seed,
        "devices": [d.name for d in tf.config.list_logical_devices()],
    }
    (folder / "versions.json").write_text(json.dumps(versions, indent=2) + "\n", encoding="utf-8")


def differences(old: Recipe, new: Recipe) -> list[str]:
    """Each setting that differs, as "key: old → new"; claim, time and command do not count."""

    def flat(value: object, prefix: str) -> dict[str, object]:
        if not isinstance(value, dict) or not value:
            return {prefix: value}
        return {
            key: leaf
            for name, inner in value.items()
            for key, leaf in flat(inner, f"{prefix}.{name}".lstrip(".")).items()
        }

    told = {"claim", "time", "command"}
    before, after = (flat(r.model_dump(mode="json", exclude=told), "") for r in (old, new))
    keys = sorted(before.keys() | after.keys())
    return [
        f"{key}: {before.get(key)} → {after.get(key)}" for key in keys if before.get(key) != after.get(key)
    ]
