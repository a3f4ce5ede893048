"""`mcu monitor`: what the board says, live."""

from __future__ import annotations

import time
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command()(monitor)


def monitor(
    port: Annotated[str, typer.Argument(help="Device or URL of the board's port.")],
    baud: Annotated[int, typer.Option(min=1, help="Symbols per second of the line.")] = 115_200,
) -> None:
    """Print the board's log, its frames and results in words, and the camera demo's pictures, until Ctrl-C.

    Example: mcu monitor /dev/ttyACM0
    """
    from mcu.monitor import watch
    from mcu.transport import open_port

    marks = {"text": "", "frame": "» ", "picture": "\n", "noise": "? "}
    begin = time.monotonic()
    with open_port(port, baud=baud) as opened:
        for said in watch(opened):
            typer.echo(f"{time.monotonic() - begin:9.3f} {marks[said.kind]}{said.line}")
