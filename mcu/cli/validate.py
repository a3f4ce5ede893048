"""`mcu validate`: does the board answer exactly as the desk did, and how good is it?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcu.console import JsonOption, print_json, progress_bar
from mcu.errors import BadInput, ExitCode


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
    record: Annotated[
        Path | None, typer.Option(help="File for the wire's traffic; --port replay://FILE plays it.")
    ] = None,
    hardware_map: Annotated[
        Path | None,
        typer.Option(help="YAML that lists boards and ports, as Zephyr's twister reads it: all at once."),
    ] = None,
    split: Annotated[
        bool, typer.Option("--split", help="Of a map: boards of one platform share the samples.")
    ] = False,
    part: Annotated[
        str | None, typer.Option(metavar="K/N", help="Of the samples every N-th, from the K-th on.")
    ] = None,
    hash_only: Annotated[
        bool,
        typer.Option("--hash-only", help="Outputs come only where their CRC-32 is not that of the desk's."),
    ] = False,
    overlap: Annotated[
        bool,
        typer.Option(
            "--overlap", help="Upload the next sample while the model runs; it may count in the latency."
        ),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Stream a test set to the board, compare every byte with the desk, write the record and the report.

    Exit code 1 if a single byte differs.

    Example: mcu validate build/demo/bundle --board virtual --data digits
    """
    from mcu.cli.fleet import check_alone, parse_part, validate_on_all
    from mcu.hil import validate as run_validation
    from mcu.hil.explain import explain

    if hardware_map is not None:
        check_alone(board=board != "virtual", port=port, part=part, record=record, ask_roms=ask_roms)
        validate_on_all(
            bundle,
            data=data,
            hardware_map=hardware_map,
            split=split,
            limit=limit,
            out=out,
            seed=seed,
            resume=resume,
            wait_s=wait,
            hash_only=hash_only,
            overlap=overlap,
            json=json,
        )
        return
    if split:
        raise BadInput("--split is for several boards.", hint="Name them with --hardware-map FILE.")
    with progress_bar(f"{board}: validate") as progress:
        run = run_validation(
            bundle,
            data,
            board=board,
            port=port,
            limit=limit,
            out_dir=out,
            seed=seed,
            part=parse_part(part),
            progress=progress,
            resume=resume,
            wait_s=wait,
            notice=lambda said: typer.echo(said, err=True),
            ask_roms=ask_roms,
            record=record,
            hash_only=hash_only,
            overlap=overlap,
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
        if run.golden is not None and run.golden.masks:
            agreed = run.golden.masks - run.golden.mismatched_masks
            typer.echo(f"  masks made by the board: {agreed}/{run.golden.masks} golden inputs as on the desk")
        typer.echo(f"  report {run.report}")
        if not run.bit_exact:
            typer.echo(explain(run))
    if not run.bit_exact or run.masks_agree is False:
        raise typer.Exit(ExitCode.NO)
