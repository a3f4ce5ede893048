"""`keras-tiny quantize`: PTQ and QAT again, from the float weights of a run that exists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcu.console import JsonOption


def register(app: typer.Typer) -> None:
    app.command()(quantize)


def quantize(
    run: Annotated[Path, typer.Argument(help="Run folder whose float.npz is the start.")],
    run_dir: Annotated[Path | None, typer.Option(help="Folder of the new run.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Quantization-aware epochs; 0 only calibrates.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="At its highest.")] = None,
    json: JsonOption = False,
) -> None:
    """Quantize a trained run once more with other settings; the old run is left as it is.

    Example: keras-tiny quantize runs/mobilenet_v2-digits-1 --epochs 10 --learning-rate 5e-5
    """
    from keras_tiny.cli.train import new_run_dir, print_result, run_with_progress
    from keras_tiny.errors import BadInput
    from keras_tiny.recipe import load_recipe, override

    if not (run / "float.npz").is_file():
        raise BadInput(f"{run} has no float.npz: it is not a run folder with a finished float phase.")
    settings = {"qat_phase.epochs": epochs, "qat_phase.learning_rate": learning_rate}
    given = [f"{key}={value}" for key, value in settings.items() if value is not None]
    recipe = override(load_recipe(run / "recipe.yaml"), given)
    result = run_with_progress(recipe, run_dir or new_run_dir(recipe), float_weights=run / "float.npz")
    print_result(result, json=json)
