"""`keras-tiny evaluate` and `keras-tiny predict`: a finished run, on its own data or on other pictures."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from mcu.console import JsonOption, print_json


def register(app: typer.Typer) -> None:
    app.command()(evaluate)
    app.command()(predict)


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder of `keras-tiny train`.")],
    which: Annotated[Literal["float", "qat"], typer.Option(help="Which of its two models.")] = "qat",
    split: Annotated[Literal["train", "val", "test"], typer.Option(help="Which pictures.")] = "test",
    out: Annotated[Path | None, typer.Option(help="Folder for mistakes.png.")] = None,
    json: JsonOption = False,
) -> None:
    """Measure a finished run on one of its splits and draw its worst mistakes.

    Example: keras-tiny evaluate runs/mobilenet_v2-digits-1 --split val
    """
    from keras_tiny.cli.quiet import load_tensorflow

    load_tensorflow()
    from keras_tiny.runs.evaluate import evaluate as run_evaluation

    result = run_evaluation(run, which=which, split=split, out=out)
    if json:
        keys = ("task", "metrics", "epochs", "seconds", "images_per_s")
        print_json({"run_dir": str(result.run_dir), **{key: getattr(result, key) for key in keys}})
        return
    for name, value in result.metrics.items():
        typer.echo(f"{name} {value:.2%}")
    if result.sheet is not None:
        typer.echo(f"Worst mistakes: {result.sheet}")


def predict(
    run: Annotated[Path, typer.Argument(help="Run folder of `keras-tiny train`.")],
    source: Annotated[Path, typer.Argument(help="A picture, or a folder of pictures.")],
    which: Annotated[Literal["float", "qat"], typer.Option(help="Which of its two models.")] = "qat",
    sheet: Annotated[Path | None, typer.Option(help="PNG that shows the pictures with their labels.")] = None,
    json: JsonOption = False,
) -> None:
    """Say what is on pictures.

    Example: keras-tiny predict runs/flowers photos/ --sheet photos.png
    """
    from keras_tiny.cli.quiet import load_tensorflow

    load_tensorflow()
    from keras_tiny.runs.predict import predict as run_prediction

    answers = run_prediction(run, source, which=which, sheet=sheet)
    if json:
        print_json({"predictions": [asdict(answer) for answer in answers]})
        return
    for answer in answers:
        box = "" if answer.box is None else "  at " + " ".join(f"{side:.0f}" for side in answer.box)
        typer.echo(f"{answer.label:20} {answer.score:6.1%}  {answer.source}{box}")
