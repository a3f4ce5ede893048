"""`mcu flash`: a bundle onto a board, in one command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from mcu.cli.firmware_options import MlperfOption, OverlapOption, refuse_firmware_options
from mcu.console import JsonOption, print_json, progress_bar


def register(app: typer.Typer) -> None:
    app.command()(flash)


def flash(
    bundle: Annotated[Path, typer.Argument(help="Folder that `keras-tiny export` wrote.")],
    board: Annotated[
        str | None, typer.Option(help="Board id, see `mcu boards`; default: what is found.")
    ] = None,
    port: Annotated[str | None, typer.Option(help="Device or URL; default: the only one that fits.")] = None,
    method: Annotated[
        str | None,
        typer.Option(help="Another way into the chip than the board's own: stm32_uart, mass_storage, …"),
    ] = None,
    model_only: Annotated[
        bool,
        typer.Option(
            "--model-only",
            help="Write the model alone, for firmware with TensorFlow Lite Micro that reads it from flash.",
        ),
    ] = False,
    mlperf: MlperfOption = None,
    overlap: OverlapOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and write nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Build, write what differs, verify, start, greet, and run the golden vectors. Ready, or the reason why not.

    Example: mcu flash build/demo/bundle --board blackpill_f411ce --port /dev/ttyUSB0
    """
    from functools import partial

    from mcu.boards import get_board
    from mcu.firmware.model_place import model_place
    from mcu.flash import flash as run_flash
    from mcu.flash.build import build_image
    from mcu.flash.flasher import parse_method
    from mcu.flash.model_image import build_model_image
    from mcu.protocol.mlperf_model import MlperfModel

    if model_only:
        refuse_firmware_options(
            mlperf=mlperf, overlap=overlap, because="a model alone", hint="Leave out --model-only."
        )
    if model_only and board is not None:
        model_place(get_board(board))  # before the port is opened
    personality = MlperfModel(mlperf) if mlperf is not None else None
    build = build_model_image if model_only else partial(build_image, mlperf=personality, overlap=overlap)

    def note(line: str) -> None:
        if not json:
            print(line, file=sys.stderr)

    with progress_bar(f"{board or 'board'}: write") as progress:
        result = run_flash(
            bundle,
            board=board,
            port=port,
            method=parse_method(method),
            dry_run=dry_run,
            build=build,
            progress=progress,
            note=note,
        )
    if json:
        print_json(result.to_dict())
        return
    if dry_run:
        for line in result.plan:
            typer.echo(line)
        return
    what = f"wrote {result.wrote_bytes:,} B" if result.wrote_bytes else "nothing to write"
    typer.echo(f"{result.board} at {result.port}: {what}, verified, ready in {result.seconds:.1f} s")
