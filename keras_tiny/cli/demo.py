"""`keras-tiny demo`: the whole way on real digits and the virtual board, in a few minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcu.console import JsonOption, print_json
from mcu.errors import ExitCode


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the run, the bundle and the report.")] = Path(
        "build/demo"
    ),
    json: JsonOption = False,
) -> None:
    """Train, quantize, export and validate MobileNetV2 on handwritten digits, on the virtual board.

    Example: keras-tiny demo --out build/demo
    """
    from keras_tiny.cli.progress import TrainingProgress
    from keras_tiny.cli.quiet import load_tensorflow

    load_tensorflow()
    from keras_tiny.demo import run_demo

    with TrainingProgress() as shown:
        result = run_demo(out, on_stage=shown.stage, on_epoch=shown.epoch, on_step=shown.step)
    if json:
        print_json(result.to_dict())
    else:
        from rich.console import Console

        Console().print(result.table())
        typer.echo(f"Report: {result.report}")
    if not result.bit_exact:
        raise typer.Exit(ExitCode.NO)
