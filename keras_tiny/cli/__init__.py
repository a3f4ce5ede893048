"""The `keras-tiny` command: parses and prints; the function of the same name does the work."""

from __future__ import annotations

from typing import NoReturn

import typer

from keras_tiny.cli import (
    advise,
    audit,
    blame,
    compare,
    demo,
    distill,
    doctor,
    evaluate,
    export,
    models,
    profile,
    quantize,
    train,
)
from mcu import console

app = typer.Typer(
    name="keras-tiny",
    help="Train tiny vision networks quantization-aware and export them to TensorFlow Lite Micro.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
COMMANDS = (
    models,
    train,
    distill,
    quantize,
    evaluate,
    export,
    audit,
    profile,
    advise,
    blame,
    compare,
    demo,
    doctor,
)
for command in COMMANDS:
    command.register(app)


def main() -> NoReturn:
    """Entry point of the console script."""
    console.run(app)
