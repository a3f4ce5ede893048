"""What `advise` chooses from: the garden's variants for boards, and the networks that have a measured result."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from keras_tiny.errors import BadInput, UnknownName
from keras_tiny.models import MODELS
from keras_tiny.models.table import read_table
from keras_tiny.recipe import find_recipe, override


@dataclass(frozen=True)
class Score:
    """How good a network was on real data, as int8 on the virtual board.

    Attributes:
        metric: its name, e.g. "accuracy"; larger is better.
        data: key of docs/reference/results.json, and `result` the row's name there.
    """

    metric: str
    value: float
    data: str
    result: str


@dataclass(frozen=True)
class Candidate:
    """One network.

    Attributes:
        model: name in the table of models, `arguments` its builder's besides input_shape and num_classes.
        params, macs: as the table or the result has them: a little more or less with other classes.
        scores: what was measured of it; () where nobody did.
    """

    name: str
    model: str
    arguments: Mapping[str, Any]
    input_shape: tuple[int, int, int]
    params: int
    macs: int
    scores: tuple[Score, ...] = ()

    @property
    def network(self) -> str:
        """What two candidates have in common that are the same network."""
        return json.dumps([self.model, dict(self.arguments), self.input_shape], sort_keys=True)


def candidates(task: str, *, data: str | None = None, model: str | None = None) -> tuple[Candidate, ...]:
    """Every network for a task, those with a measured score first.

    Args:
        data: the kind of data that scores must be of, e.g. "digits"; None takes all.
        model: only of this architecture.

    Raises:
        UnknownName: no such task or model; with near names. BadInput: a model for another task.
    """
    tasks = {entry.task for _, entry in MODELS.items()}
    if task not in tasks:
        raise UnknownName("task", task, tasks)
    if model is not None and MODELS[model].task != task:
        raise BadInput(f"{model} is for {MODELS[model].task}, not for {task}.")
    found: dict[str, Candidate] = {}
    for candidate in (*_measured(data), *_variants()):
        if MODELS[candidate.model].task != task or (model is not None and candidate.model != model):
            continue
        known = found.get(candidate.network)
        if known is None:
            found[candidate.network] = candidate
        else:
            scores = (*known.scores, *candidate.scores)
            found[candidate.network] = Candidate(**{**vars(known), "scores": scores})
    return tuple(found.values())


def _variants() -> Iterator[Candidate]:
    for row in read_table():
        if row.tflite_bytes is not None:  # else it was counted to be compared with a paper
            yield Candidate(row.name, row.model, row.arguments, row.input_shape, row.params, row.macs)


def _measured(data: str | None) -> Iterator[Candidate]:
    for kind, rows in results().items():
        for row in rows:
            if data not in (None, kind) or row.get("board") is None:
                continue
            recipe = override(find_recipe(row["recipe"]), list(row.get("settings", ())))
            arguments = {name: each for name, each in recipe.model.arguments.items() if name != "num_classes"}
            height, width, channels = map(int, row["input"].split("x"))
            yield Candidate(
                name=f"{recipe.model.name} ({kind}/{row['name']})",
                model=recipe.model.name,
                arguments=arguments,
                input_shape=(height, width, channels),
                params=row["params"],
                macs=row["macs"],
                scores=(Score(row["metric"], float(row["board"]), kind, row["name"]),),
            )


@cache
def results() -> dict[str, list[dict[str, Any]]]:
    """docs/reference/results.json: data → rows; in an installed wheel it lies inside the package."""
    package = Path(__file__).resolve().parents[1]
    inside, beside = package / "results.json", package.parent / "docs" / "reference" / "results.json"
    return json.loads((inside if inside.is_file() else beside).read_text("utf-8"))
