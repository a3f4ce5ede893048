"""`mcu fits`: flash, RAM and latency of a model against a board's, before anything is built."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mcu.console import JsonOption, print_json
from mcu.errors import ExitCode

if TYPE_CHECKING:
    from mcu.firmware.verdict import Verdict


def register(app: typer.Typer) -> None:
    app.command()(fits)


def fits(
    bundle: Annotated[Path, typer.Argument(help="Folder that `keras-tiny export` wrote, or a .tflite file.")],
    board: Annotated[str, typer.Option(help="Board id, see `mcu boards`; or all.")] = "all",
    engine: Annotated[
        str | None,
        typer.Option(
            help="c: the compiled engine, which `mcu build` takes; tflm: TensorFlow Lite Micro; all: both. "
            "Default: both on one board, c on all."
        ),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure TensorFlow Lite Micro's arena instead of planning it.")
    ] = False,
    build: Annotated[
        bool, typer.Option("--build", help="Compile and link: the linker's bytes instead of an estimate.")
    ] = False,
    runs: Annotated[
        Path | None, typer.Option(help="Folder with more run records of `mcu validate`, for latencies.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Say whether the firmware fits, how many bytes are left or too many, how long an inference takes, and why.

    A latency is measured where a run record of this model on this board lies beside the bundle, else it is estimated,
    with its error bar. Exit code 1 if it does not fit; of several boards or engines, if it fits none.

    Example: mcu fits build/demo/bundle --board nucleo_f446re
    """
    from mcu.firmware.fits import fits as judge

    chosen = engine or ("c" if board == "all" else "all")
    verdicts = judge(bundle, board=board, engine=chosen, measure=measure, build=build, runs=runs)  # type: ignore[arg-type]
    if json:
        print_json({"verdicts": [verdict.to_dict() for verdict in verdicts]})
    else:
        _print(verdicts)
    if not any(verdict.fits for verdict in verdicts):
        raise typer.Exit(ExitCode.NO)


def _print(verdicts: tuple[Verdict, ...]) -> None:
    for verdict in verdicts:
        flash, ram = (
            _bytes(verdict.flash_bytes, verdict.flash_spare),
            _bytes(verdict.ram_bytes, verdict.ram_spare),
        )
        answer = "fits" if verdict.fits else "does not fit"
        mark = " *" if verdict.assumed_flash_bytes else ""
        line = f"{verdict.board:20} {verdict.engine:4} {answer:12}  flash {flash}  RAM {ram}  {_latency(verdict)}{mark}"
        typer.echo(line.rstrip())
    for line in _assumptions(verdicts):
        typer.echo(line)
    if len({verdict.board for verdict in verdicts}) == 1:
        for verdict in verdicts:
            _explain(verdict)


def _explain(verdict: Verdict) -> None:
    """What one board's verdict rests on."""
    typer.echo("")
    typer.echo(f"{verdict.board}, engine {verdict.engine}:")
    typer.echo(
        "  operators: "
        + ", ".join(f"{each.operator} {each.count} ({each.kernel})" for each in verdict.operators)
    )
    if verdict.arena_bytes is not None:
        typer.echo(f"  arena: {verdict.arena_bytes:,} B, {verdict.arena_source}")
    if verdict.peak_operator:
        typer.echo(f"  Most memory is needed by {verdict.peak_operator}.")
        typer.echo(
            "  then in memory: " + ", ".join(f"{name} {size:,} B" for name, size in verdict.peak_tensors)
        )
    latency = verdict.latency
    if latency is not None and latency.instructions is not None:
        error = f" ± {latency.instructions_error:.0%}" if latency.instructions_error else ""
        typer.echo(f"  instructions: {latency.instructions:,}{error}")
    if latency is not None and latency.us is not None:
        typer.echo(f"  latency: {_latency(verdict)}; from {latency.source}")
    if verdict.suggestion:
        typer.echo(f"  {verdict.suggestion}")


def _assumptions(verdicts: Iterable[Verdict]) -> list[str]:
    """What the stars mean."""
    assumed = {
        (each.assumed_flash_bytes >> 10, each.assumed_ram_bytes >> 10)
        for each in verdicts
        if each.assumed_flash_bytes
    }
    return [
        f"* a sketch: {flash_kib} KiB of flash and {ram_kib} KiB of RAM of it are assumed for Arduino's core."
        for flash_kib, ram_kib in sorted(assumed)
    ]


def _bytes(need: int | None, spare: int | None) -> str:
    if need is None:
        return f"{'?':>11}{'':21}"
    left = "" if spare is None else f"({abs(spare):,} {'left' if spare >= 0 else 'over'})"
    return f"{need:>11,} B {left:19}"


def _latency(verdict: Verdict) -> str:
    latency = verdict.latency
    if latency is None:
        return ""
    if latency.us is None or latency.low_us is None or latency.high_us is None:
        return f"{_two_digits(latency.instructions or 0)} instructions {latency.kind}"
    low, likely, high = (_two_digits(value / 1000) for value in (latency.low_us, latency.us, latency.high_us))
    return f"{likely} ms ({low} to {high}) {latency.kind}"


def _two_digits(value: float) -> str:
    """An estimate is not known better than that."""
    return f"{float(f'{value:.2g}'):,.10g}"
