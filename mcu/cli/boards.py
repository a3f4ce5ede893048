"""`mcu boards`: the boards that are known."""

from __future__ import annotations

import typer

from mcu.console import JsonOption, print_error, print_json

_LEAST_WIDTH = 100


def register(app: typer.Typer) -> None:
    app.command()(boards)


def boards(json: JsonOption = False) -> None:
    """List the boards with chip, core, flash and usable RAM.

    Example: mcu boards --json
    """
    from mcu.boards import board_problems, load_boards

    known = load_boards()
    for problem in board_problems():
        print_error(problem)
    if json:
        rows = [
            {
                "id": board.id,
                "chip": board.chip,
                "core": board.core,
                "flash_bytes": board.flash_bytes,
                "ram_bytes": board.ram_bytes,
                "usb": [str(usb) for usb in board.usb],
                "flash_method": board.flash.method,
            }
            for board in known.values()
        ]
        print_json({"boards": rows})
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None)
    for title in ("board", "chip", "core"):
        table.add_column(title, no_wrap=True)
    for title in ("flash", "RAM"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("flashed by", no_wrap=True)
    for board in known.values():
        sizes = [f"{size // 1024:,} KiB" if size else "-" for size in (board.flash_bytes, board.ram_bytes)]
        table.add_row(board.id, board.chip, board.core, *sizes, board.flash.method)
    # As wide as its longest row, into a file or a pipe too, where the console would take 80 columns.
    Console(width=max(Console().width, _LEAST_WIDTH)).print(table)
