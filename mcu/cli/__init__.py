"""The `mcu` command: the board's side, without TensorFlow. Parses and prints; the function of the same name works."""

from __future__ import annotations

from typing import NoReturn

import typer

from mcu import console
from mcu.cli import bench, boards, build, doctor, fits, flash, infer, monitor, ports, validate

app = typer.Typer(
    name="mcu",
    help="Flash, run and validate an exported model on a microcontroller, real or virtual.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for command in (boards, ports, fits, build, flash, validate, infer, bench, monitor, doctor):
    command.register(app)


def main() -> NoReturn:
    """Entry point of the console script."""
    console.run(app)
