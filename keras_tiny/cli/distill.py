"""`keras-tiny distill`: `train` with a teacher, a finished run that the student's answers and maps are held against."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from keras_tiny.cli.train import new_run_dir, print_result, run_with_progress
from mcu.console import JsonOption
from mcu.errors import BadInput


def register(app: typer.Typer) -> None:
    app.command()(distill)


def distill(
    teacher: Annotated[Path, typer.Argument(help="Run folder of the teacher, whose float model teaches.")],
    recipe: Annotated[str, typer.Option(help="The student: a YAML file, or a recipe of the garden.")],
    data: Annotated[
        str | None, typer.Option(help="As of `keras-tiny train`; the recipe's by default.")
    ] = None,
    pair: Annotated[
        list[str] | None,
        typer.Option(
            help="Maps to hold against each other, by their layers: teacher:student. May be repeated."
        ),
    ] = None,
    temperature: Annotated[float | None, typer.Option(help="Softens both sides' answers.")] = None,
    answers_weight: Annotated[
        float | None, typer.Option(help="Share of the teacher's answers in the loss, 0 to 1.")
    ] = None,
    feature_loss: Annotated[
        Literal["l2", "attention"] | None, typer.Option(help="How maps are compared.")
    ] = None,
    feature_weight: Annotated[float | None, typer.Option(help="Of the maps in the loss.")] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="key=value of the recipe.")] = None,
    run_dir: Annotated[
        Path | None, typer.Option(help="Folder of the run; a new one under runs/ if left out.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run in --run-dir.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the recipe and stop.")] = False,
    json: JsonOption = False,
) -> None:
    """Train a student with a teacher, float and quantization-aware.

    Example: keras-tiny distill runs/teacher --recipe student.yaml --pair dec1_b_relu:dec1_b_relu
    """
    from keras_tiny.recipe import dump_recipe, find_recipe, override

    settings = {
        "data.source": data,
        "distill.teacher": str(teacher),
        "distill.temperature": temperature,
        "distill.answers_weight": answers_weight,
        "distill.feature_loss": feature_loss,
        "distill.feature_weight": feature_weight,
        "distill.pairs": [_pair(text) for text in pair] if pair else None,
    }
    given = [f"{key}={value}" for key, value in settings.items() if value is not None]
    chosen = override(find_recipe(recipe), [*(setting or []), *given])
    if dry_run:
        typer.echo(dump_recipe(chosen), nl=False)
        return
    print_result(run_with_progress(chosen, run_dir or new_run_dir(chosen), resume=resume), json=json)


def _pair(text: str) -> list[str]:
    names = text.split(":")
    if len(names) != 2 or not all(names):
        raise BadInput(
            f"--pair takes teacher:student, got '{text}'.", hint="For example enc1_b_relu:enc1_b_relu"
        )
    return names
