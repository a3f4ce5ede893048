"""`mcu ports`: serial ports, and the boards that can be behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mcu.console import JsonOption, print_json
from mcu.errors import KerasTinyError

if TYPE_CHECKING:
    from mcu.transport.discovery import PortInfo


def register(app: typer.Typer) -> None:
    app.command()(ports)


def ports(
    ask: Annotated[
        bool, typer.Option("--ask", help="Open each and ask who is there; resets ESP boards.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """List the serial ports with their USB identities and the boards that enumerate like that.

    Example: mcu ports --ask
    """
    from mcu.transport.discovery import list_ports

    known = list_ports()
    answers = {info.port: _answer(info) for info in known if ask and info.usb is not None}
    if json:
        rows = [
            {
                "port": info.port,
                "usb": str(info.usb) if info.usb else None,
                "description": info.description,
                "boards": list(info.boards),
                "answers": answers.get(info.port),
            }
            for info in known
        ]
        print_json({"ports": rows})
        return
    if not known:
        typer.echo("No serial port on this computer.")
    for info in known:
        typer.echo(f"{info.port}  {info.description}  {', '.join(info.boards) or '-'}")
        if info.port in answers:
            typer.echo(f"  {answers[info.port]}")


def _answer(info: PortInfo) -> str:
    """Who answers there, or why nobody can be asked."""
    from mcu.flash.find import ask

    try:
        return ask(info.port, usb=info.usb).detail
    except KerasTinyError as error:
        return str(error)
