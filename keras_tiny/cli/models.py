"""`keras-tiny models`: what is in the garden."""

from __future__ import annotations

from typing import Annotated

import typer

from mcu.console import JsonOption, print_json


def register(app: typer.Typer) -> None:
    app.command()(models)


def models(
    name: Annotated[str | None, typer.Argument(help="Only this model.")] = None,
    json: JsonOption = False,
) -> None:
    """List the models of the garden.

    Example: keras-tiny models --json
    """
    from keras_tiny.models import MODELS

    chosen = {name: MODELS[name]} if name is not None else dict(MODELS)
    if json:
        rows = [{"name": key, "task": entry.task, "paper": entry.paper} for key, entry in chosen.items()]
        print_json({"models": rows})
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "task", "paper", box=None)
    for key, entry in chosen.items():
        table.add_row(key, entry.task, entry.paper)
    Console().print(table)
