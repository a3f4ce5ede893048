"""`mcu bench`: what every operator of a model costs on a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcu.console import JsonOption, print_json


def register(app: typer.Typer) -> None:
    app.command()(bench)


def bench(
    bundle: Annotated[Path, typer.Argument(help="Folder that `keras-tiny export` wrote, or a .tflite file.")],
    board: Annotated[str, typer.Option(help="Board id, see `mcu boards`.")] = "qemu_stm32f405",
    port: Annotated[
        str | None, typer.Option(help="Device or URL with this model on it; an emulated board needs none.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Measure every operator: instructions on an emulated board, exact and repeatable; time on silicon.

    Example: mcu bench build/demo/bundle --board qemu_stm32f405
    """
    from mcu.bench import bench as measure

    result = measure(bundle, board=board, port=port)
    if json:
        print_json(result.to_dict())
        return
    for operator in result.operators:
        cost = operator.instructions if operator.instructions is not None else operator.microseconds or 0.0
        unit = "instructions" if operator.instructions is not None else "us"
        each = f"{cost / operator.macs:7.2f} per MAC" if operator.macs else ""
        layer = operator.layer.split(";")[0][-32:]
        typer.echo(
            f"{operator.index:4} {operator.name:24} {layer:32} {operator.macs:>12,} MAC {cost:>13,.0f} {unit} {each}"
        )
    total = f"{result.latency_us:,} us"
    if result.instructions is not None:
        each = f", {result.instructions / result.macs:.2f} per MAC" if result.macs else ""
        total = f"{result.instructions:,} instructions{each}"
    memory = ""
    if result.ram_bytes is not None and result.flash_bytes is not None:
        memory = f"; {result.flash_bytes:,} B flash, {result.ram_bytes:,} B RAM"
    typer.echo(f"{result.board} ({result.engine}): {total}{memory}")
