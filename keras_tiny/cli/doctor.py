"""`keras-tiny doctor`: do the versions go together, and what is missing?"""

from __future__ import annotations

from typing import Annotated

import typer

from mcu.console import JsonOption, report_checks


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

    report_checks(
        check_all(deep=not quick), otherwise="wrong", json=json, last="What a board needs: mcu doctor"
    )
