"""`keras-tiny doctor`: do the versions go together, and what is missing?"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from mcu.console import JsonOption, print_json
from mcu.errors import ExitCode


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out the last check, which loads TensorFlow.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Check versions, Keras, memory and extras, each with its fix. Exit code 1 if something is wrong.

    Example: keras-tiny doctor
    """
    from keras_tiny.doctor import check_all

    checks = check_all(deep=not quick)
    if json:
        print_json({"checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            typer.echo(f"{'ok     ' if check.ok else 'wrong  '}  {check.name}: {check.detail}")
            if check.fix:
                typer.echo(f"         {check.fix}")
        typer.echo("What a board needs: mcu doctor")
    if not all(check.ok for check in checks):
        raise typer.Exit(ExitCode.NO)
