"""`keras-tiny profile`: what one inference of an int8 file costs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcu.console import JsonOption, print_json


def register(app: typer.Typer) -> None:
    app.command()(profile)


def profile(
    model: Annotated[Path, typer.Argument(help="A .tflite file, or a bundle folder.")],
    json: JsonOption = False,
) -> None:
    """Count multiply-accumulates and bytes: where the activations peak, and what TensorFlow Lite Micro needs.

    Example: keras-tiny profile build/demo/bundle
    """
    from keras_tiny.profile.profile import profile as run_profile
    from mcu.bundle import Bundle

    if model.is_dir():
        bundle = Bundle.open(model)
        facts = run_profile(bundle.model_bytes, params=bundle.manifest.params).to_dict()
    else:
        facts = run_profile(model).to_dict()
    if json:
        print_json(facts)
        return
    for name, value in facts.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {count}" for key, count in value.items())
        shown = f"{value:,}" if isinstance(value, int) else value
        typer.echo(f"{name:24} {shown if shown is not None else '-'}")
