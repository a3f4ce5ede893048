"""`mcu validate`: does the board answer exactly as the desk did, and how good is it?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcu.console import JsonOption, print_json, progress_bar
from mcu.errors import ExitCode


def register(app: typer.Typer) -> None:
    app.command()(validate)


def validate(
    bundle: Annotated[Path, typer.Argument(help="Folder that `keras-tiny export` wrote.")],
    board: Annotated[str, typer.Option(help="Board id, see `mcu boards`.")] = "virtual",
    data: Annotated[str, typer.Option(help="digits, folders:PATH, …")] = "digits",
    port: Annotated[
        str | None, typer.Option(help="Device or URL; found by itself for the virtual board.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many samples.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for hil_run.json, outputs.npy and report.html.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the choice under --limit.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that stopped, behind its last sample.")
    ] = False,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for a board that was unplugged or reset.")
    ] = 10.0,
    ask_roms: Annotated[
        bool, typer.Option("--ask-roms", help="If nobody answers, ask the bootloaders; resets ESP boards.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Stream a test set to the board, compare every byte with the desk, write the record and the report.

    Exit code 1 if a single byte differs.

    Example: mcu validate build/demo/bundle --board virtual --data digits
    """
    from mcu.hil import validate as run_validation
    from mcu.hil.explain import explain

    with progress_bar(f"{board}: validate") as progress:
        run = run_validation(
            bundle,
            data,
            board=board,
            port=port,
            limit=limit,
            out_dir=out,
            seed=seed,
            progress=progress,
            resume=resume,
            wait_s=wait,
            notice=lambda said: typer.echo(said, err=True),
            ask_roms=ask_roms,
        )
    if json:
        print_json(run.summary())
    else:
        equal = run.samples - run.mismatched_samples
        typer.echo(f"{run.board} ({run.engine}): {equal}/{run.samples} samples bit-exact")
        for name, value in run.metrics.items():
            typer.echo(f"  {name} {value:.2%}")
        if run.latency_us is not None:
            typer.echo(f"  latency {run.latency_us} us")
        typer.echo(f"  report {run.report}")
        if not run.bit_exact:
            typer.echo(explain(run))
    if not run.bit_exact:
        raise typer.Exit(ExitCode.NO)
