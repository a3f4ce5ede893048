"""`mcu fits`: flash and RAM of a model against a board's, before anything is built."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcu.console import JsonOption, print_json
from mcu.errors import ExitCode


def register(app: typer.Typer) -> None:
    app.command()(fits)


def fits(
    bundle: Annotated[Path, typer.Argument(help="Folder that `keras-tiny export` wrote, or a .tflite file.")],
    board: Annotated[str, typer.Option(help="Board id, see `mcu boards`; or all.")] = "all",
    engine: Annotated[
        str,
        typer.Option(help="c: the compiled engine, which `mcu build` takes; tflm: TensorFlow Lite Micro."),
    ] = "c",
    json: JsonOption = False,
) -> None:
    """Say whether the firmware fits, how many bytes are left or too many, and which operator makes the peak.

    Exit code 1 if it does not fit; of all boards, if it fits none.

    Example: mcu fits build/demo/bundle --board nucleo_f446re
    """
    from mcu.firmware.fits import fits as judge

    verdicts = judge(bundle, board=board, engine=engine)  # type: ignore[arg-type]
    if json:
        print_json({"verdicts": [verdict.to_dict() for verdict in verdicts]})
    else:
        for verdict in verdicts:
            flash, ram = (
                _bytes(verdict.flash_bytes, verdict.flash_spare),
                _bytes(verdict.ram_bytes, verdict.ram_spare),
            )
            answer = "fits" if verdict.fits else "does not fit"
            mark = " *" if verdict.assumed_flash_bytes else ""
            typer.echo(f"{verdict.board:20} {answer:12}  flash {flash}  RAM {ram}{mark}".rstrip())
        for flash_kib, ram_kib in sorted(
            {
                (v.assumed_flash_bytes >> 10, v.assumed_ram_bytes >> 10)
                for v in verdicts
                if v.assumed_flash_bytes
            }
        ):
            typer.echo(
                f"* a sketch: {flash_kib} KiB of flash and {ram_kib} KiB of RAM of it are assumed for Arduino's core."
            )
        alone = verdicts[0] if len(verdicts) == 1 else None
        if alone is not None and alone.peak_operator:
            typer.echo(f"Most memory is needed by {alone.peak_operator}.")
        if alone is not None and alone.suggestion:
            typer.echo(alone.suggestion)
    if not any(verdict.fits for verdict in verdicts):
        raise typer.Exit(ExitCode.NO)


def _bytes(need: int | None, spare: int | None) -> str:
    if need is None:
        return f"{'?':>11}{'':21}"
    left = "" if spare is None else f"({abs(spare):,} {'left' if spare >= 0 else 'over'})"
    return f"{need:>11,} B {left:19}"
