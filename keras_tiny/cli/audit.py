"""`keras-tiny audit`: would this .tflite run as int8 in TensorFlow Lite Micro?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcu.console import JsonOption, print_json
from mcu.errors import ExitCode, ModelFileError


def register(app: typer.Typer) -> None:
    app.command()(audit)


def audit(
    model: Annotated[Path, typer.Argument(help="A .tflite file, or a bundle folder.")],
    json: JsonOption = False,
) -> None:
    """Check that every tensor is int8, every operator is in TensorFlow Lite Micro and every BatchNorm is folded.

    Example: keras-tiny audit build/demo/bundle/model.tflite
    """
    from keras_tiny.export.audit import audit as run_audit

    path = model / "model.tflite" if model.is_dir() else model
    try:
        report = run_audit(path)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error.message}", hint=error.hint) from None
    if json:
        print_json(report.to_dict())
    else:
        typer.echo(report.to_text())
    if not report.ok:
        raise typer.Exit(ExitCode.NO)
