"""`keras-tiny train`: float training, PTQ baseline and QAT of one recipe, into a run folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from keras_tiny.cli.quiet import load_tensorflow
from mcu.console import JsonOption, print_json
from mcu.errors import BadInput

if TYPE_CHECKING:
    from keras_tiny.recipe import Recipe
    from keras_tiny.runs.run import RunResult


def register(app: typer.Typer) -> None:
    app.command()(train)


def train(
    recipe: Annotated[str | None, typer.Option(help="A YAML file, or a recipe of the garden.")] = None,
    model: Annotated[str | None, typer.Option(help="Model of the garden.")] = None,
    width: Annotated[float | None, typer.Option(help="Width multiplier of the model.")] = None,
    data: Annotated[str | None, typer.Option(help="digits, or folders:PATH.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Side of the input in pixels.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Float epochs.")] = None,
    qat_epochs: Annotated[int | None, typer.Option(help="Quantization-aware epochs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pictures per step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of the float phase, at its highest.")] = None,
    seed: Annotated[int | None, typer.Option(help="Decides everything random.")] = None,
    warm_start: Annotated[
        Path | None, typer.Option(help="Run folder or float.npz whose weights to start from, layer by layer.")
    ] = None,
    setting: Annotated[list[str] | None, typer.Option("--set", help="key=value of the recipe.")] = None,
    run_dir: Annotated[
        Path | None, typer.Option(help="Folder of the run; a new one under runs/ if left out.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run in --run-dir.")
    ] = False,
    device: Annotated[Literal["cpu", "gpu"] | None, typer.Option(help="Where to compute.")] = None,
    strategy: Annotated[
        Literal["none", "mirrored", "multiworker"],
        typer.Option(help="Share the float phase between this machine's GPUs, or the workers of TF_CONFIG."),
    ] = "none",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the recipe and stop.")] = False,
    json: JsonOption = False,
) -> None:
    """Train a model float, then quantization-aware; the run folder says how and with what result.

    Example: keras-tiny train --model mobilenet_v2 --width 0.35 --data folders:flowers --image-size 96
    """
    from keras_tiny.recipe import dump_recipe, override

    settings = {
        "model.name": model,
        "model.arguments.width": width,
        "data.source": data,
        "data.image_size": image_size,
        "float_phase.epochs": epochs,
        "qat_phase.epochs": qat_epochs,
        "batch_size": batch_size,
        "float_phase.learning_rate": learning_rate,
        "seed": seed,
        "warm_start.run": warm_start,
    }
    given = [f"{key}={value}" for key, value in settings.items() if value is not None]
    chosen = override(_base(recipe, run_dir if resume else None), [*given, *(setting or [])])
    if dry_run:
        typer.echo(dump_recipe(chosen), nl=False)
        return
    if recipe is None and data is None and not resume:
        typer.echo(
            "No data named: training on the built-in digits (name yours with --data folders:PATH).", err=True
        )
    if device is not None:
        load_tensorflow()
        from keras_tiny.training.device import use_device

        use_device(device)
    if strategy == "multiworker" and run_dir is None:
        raise BadInput("--strategy multiworker needs --run-dir: the same folder for every worker.")
    load_tensorflow()
    from keras_tiny.training.strategy import open_strategy

    workers = open_strategy(strategy)
    if not workers.is_chief and run_dir is not None:
        from keras_tiny.runs.worker import help_train

        help_train(chosen, run_dir, workers=workers)
        return
    result = run_with_progress(chosen, run_dir or new_run_dir(chosen), resume=resume, workers=workers)
    print_result(result, json=json)


def _base(name: str | None, resumed: Path | None) -> Recipe:
    """The recipe that the options change: a resumed run's own, a named one, or the default."""
    from keras_tiny.recipe import Recipe, find_recipe, load_recipe

    if name is not None:
        return find_recipe(name)
    if resumed is not None and (resumed / "recipe.yaml").is_file():
        return load_recipe(resumed / "recipe.yaml")
    return Recipe()


def new_run_dir(recipe: Recipe) -> Path:
    """`runs/<model>-<data>-<number>`, the first number that is free."""
    source = recipe.data.source.partition(":")
    label = f"{recipe.model.name}-{Path(source[2]).name or source[0]}"
    number = 1
    while (folder := Path("runs") / f"{label}-{number}").exists():
        number += 1
    return folder


def run_with_progress(recipe: Recipe, run_dir: Path, **options: Any) -> RunResult:
    """`run_recipe`, shown on stderr."""
    from keras_tiny.cli.progress import TrainingProgress

    load_tensorflow()
    from keras_tiny.runs.run import run_recipe

    with TrainingProgress() as shown:
        return run_recipe(
            recipe, run_dir, on_stage=shown.stage, on_epoch=shown.epoch, on_step=shown.step, **options
        )


def print_result(result: RunResult, *, json: bool) -> None:
    """The three figures and where the run is."""
    if json:
        print_json({**asdict(result), "run_dir": str(result.run_dir)})
        return
    rows = "   ".join(f"{name} {value:.2%}" for name, value in result.metrics.items())
    typer.echo(
        f"Test {result.metric.replace('_', ' ')}: {rows}   ({result.epochs} epochs, {result.seconds:.0f} s)"
    )
    typer.echo(f"Run folder: {result.run_dir}")
