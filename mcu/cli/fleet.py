"""`mcu validate --hardware-map`: several boards at once; part of `mcu validate`."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from mcu.console import print_json, progress_bar
from mcu.errors import BadInput, ExitCode


def parse_part(text: str | None) -> tuple[int, int] | None:
    """`"2/4"`, the second of four parts → (1, 4)."""
    if text is None:
        return None
    number, _, parts = text.partition("/")
    if not (number.isascii() and number.isdigit() and parts.isascii() and parts.isdigit()):
        raise BadInput(f"'{text}' is no part.", hint="Write the second of four as 2/4.")
    return int(number) - 1, int(parts)


def check_alone(**of_one_board: object) -> None:
    """BadInput if an option that is one board's is given beside a hardware map."""
    for name, given in of_one_board.items():
        if given:
            option = f"--{name.replace('_', '-')}"
            raise BadInput(
                f"{option} is for one board; --hardware-map names them.", hint=f"Leave out {option}."
            )


def validate_on_all(
    bundle: Path,
    *,
    data: str,
    hardware_map: Path,
    split: bool,
    limit: int | None,
    out: Path | None,
    seed: int | None,
    resume: bool,
    wait_s: float,
    hash_only: bool,
    overlap: bool,
    json: bool,
) -> None:
    """Run, print a line per board, exit with the code of the whole."""
    from mcu.hil.fleet import validate_fleet

    with progress_bar("boards: validate") as progress:
        run = validate_fleet(
            bundle,
            data,
            hardware_map=hardware_map,
            split=split,
            limit=limit,
            out_dir=out,
            seed=seed,
            resume=resume,
            wait_s=wait_s,
            hash_only=hash_only,
            overlap=overlap,
            progress=progress,
            notice=lambda said: typer.echo(said, err=True),
        )
    for id, why in run.left_out.items():
        print(f"{id} is left out: {why}", file=sys.stderr)
    if json:
        print_json(run.summary())
    else:
        for board in run.boards:
            if board.run is None:
                typer.echo(f"{board.id} ({board.platform}, {board.port}): failed: {board.error}")
                if board.hint:
                    typer.echo(f"  try: {board.hint}")
                continue
            equal = board.run["samples"] - board.run["mismatched_samples"]
            typer.echo(f"{board.id} ({board.platform}): {equal}/{board.run['samples']} samples bit-exact")
            for name, value in board.run["metrics"].items():
                typer.echo(f"  {name} {value:.2%}")
        for platform, together in run.platforms.items():
            typer.echo(f"{platform}: {together.samples} samples of {together.boards} boards together")
            for name, value in (together.metrics or {}).items():
                typer.echo(f"  {name} {value:.2%}")
        typer.echo(f"report {run.report}")
    if run.exit_code != ExitCode.DONE:
        raise typer.Exit(run.exit_code)
