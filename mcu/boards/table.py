"""The board table as Markdown (docs/reference/boards.md): `python -m mcu.boards.table`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from mcu.boards.board import Board
from mcu.boards.load import packaged_boards

_HEAD = """\
# Boards

Written by `python -m mcu.boards.table > docs/reference/boards.md` from the files in `mcu/boards/`, where the source of
every number stands beside it. `mcu boards` prints the same for the boards of this computer. To add one, see
[how to add a board](../how_to/add_a_board.md).

RAM is what an application can use in one contiguous piece. "Flashed by" names what `mcu flash` does by itself, then
what `--method` can choose.
"""
_USB = """
## USB identities

A bridge chip says nothing about the microcontroller behind it: several boards share one identity. `mcu flash` asks the
ROM or the firmware who is there before it writes.

| USB | boards |
|---|---|
"""
_SECTORS = """
## Erase sectors

`mcu flash` erases only sectors that the image covers, and of those only the ones that differ.

| board | sectors from the start of flash |
|---|---|
"""


def markdown() -> str:
    """The page."""
    boards = [*packaged_boards().values()]
    rows = [
        "| board | chip | core | clock | flash | RAM | PSRAM | flashed by | reset |",
        "|---|---|---|---:|---:|---:|---:|---|---|",
    ]
    for board in boards:
        methods = ", ".join((board.flash.method, *board.flash.also))
        clock = f"{board.clock_hz // 1_000_000} MHz" if board.clock_hz else "-"
        sizes = " | ".join(
            _kib(size) for size in (board.flash_bytes, board.ram_bytes, board.psram_bytes or None)
        )
        name = f"`{board.id}`<br>{board.name}"
        rows.append(
            f"| {name} | {board.chip} | {board.core} | {clock} | {sizes} | {methods} | {board.reset} |"
        )
    return _HEAD + "\n" + "\n".join(rows) + "\n" + _USB + _usb(boards) + _SECTORS + _sectors(boards)


def _kib(size: int | None) -> str:
    return f"{size // 1024:,} KiB" if size else "-"


def _usb(boards: Iterable[Board]) -> str:
    pairs = sorted((str(usb), board.id) for board in boards for usb in board.usb)
    lines = []
    for usb, group in groupby(pairs, key=lambda pair: pair[0]):
        lines.append(f"| `{usb}` | {', '.join(f'`{name}`' for _, name in group)} |\n")
    return "".join(lines)


def _sectors(boards: Iterable[Board]) -> str:
    lines = []
    for board in boards:
        if board.flash.sectors:
            runs = ", ".join(f"{run.count} × {run.bytes // 1024} KiB" for run in board.flash.sectors)
            lines.append(f"| `{board.id}` | {runs} |\n")
    return "".join(lines)


if __name__ == "__main__":
    print(markdown(), end="")
