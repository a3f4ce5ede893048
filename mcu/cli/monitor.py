"""`mcu monitor`: what the board says, live."""

from __future__ import annotations

import json as json_module
import time
from dataclasses import asdict
from typing import Annotated

import typer

from mcu.console import JsonOption


def register(app: typer.Typer) -> None:
    app.command()(monitor)


def monitor(
    port: Annotated[str, typer.Argument(help="Device or URL of the board's port.")],
    baud: Annotated[int, typer.Option(min=1, help="Symbols per second of the line.")] = 115_200,
    json: JsonOption = False,
) -> None:
    """Print the board's log, its frames and results in words, and the camera demo's pictures, until Ctrl-C.

    With --json a line is an object: seconds, kind (text, frame, picture, noise) and line.

    Example: mcu monitor /dev/ttyACM0
    """
    from mcu.monitor import watch
    from mcu.transport import open_port

    marks = {"text": "", "frame": "» ", "picture": "\n", "noise": "? "}
    begin = time.monotonic()
    with open_port(port, baud=baud) as opened:
        for said in watch(opened):
            seconds = time.monotonic() - begin
            if json:
                typer.echo(json_module.dumps({"seconds": round(seconds, 6), **asdict(said)}))
                continue
            typer.echo(f"{seconds:9.3f} {marks[said.kind]}{said.line}")
