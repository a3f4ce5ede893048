"""`keras-tiny advise`: which networks of the garden fit a board, and what each gives and costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mcu.console import JsonOption, print_json, progress_bar
from mcu.errors import ExitCode

if TYPE_CHECKING:
    from keras_tiny.advise import Advice


def register(app: typer.Typer) -> None:
    app.command()(advise)


def advise(
    task: Annotated[str, typer.Option(help="classification, detection or segmentation.")],
    board: Annotated[str, typer.Option(help="Board id, see `mcu boards`.")],
    flash: Annotated[
        int | None,
        typer.Option(min=1, metavar="KIB", help="At most so much flash; default: what the board has."),
    ] = None,
    ram: Annotated[
        int | None,
        typer.Option(min=1, metavar="KIB", help="At most so much RAM; default: what the board has."),
    ] = None,
    latency: Annotated[
        float | None, typer.Option(metavar="MS", help="Of one inference, the likely value of the estimate.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="digits, folders:PATH, …: its classes size the networks, scores on such data count."
        ),
    ] = None,
    classes: Annotated[
        int | None, typer.Option(min=1, help="Default: of the data, else 10 for a classifier, 2 for others.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Only this architecture.")] = None,
    engine: Annotated[str, typer.Option(help="c: the compiled engine; tflm: TensorFlow Lite Micro.")] = "c",
    cache: Annotated[
        Path | None, typer.Option(help="Where built files are kept; default: the user's cache folder.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the networks that fit a board and that no other one beats in everything, the best first.

    Each is built untrained, compiled and judged by `mcu fits`; files are kept, so the second call is quick. Where
    nobody measured a network, multiply-accumulates stand in for how good it may be. Exit code 1 if none fits.

    Example: keras-tiny advise --task classification --board nucleo_f446re --ram 64
    """
    from keras_tiny.advise import advise as find
    from keras_tiny.cli.quiet import load_tensorflow

    with progress_bar("Judging", quiet=json) as progress:
        found = find(
            task,
            board=board,
            flash_bytes=flash and flash << 10,
            ram_bytes=ram and ram << 10,
            latency_ms=latency,
            data=data,
            num_classes=classes,
            model=model,
            engine=engine,  # type: ignore[arg-type]  # checked there
            cache_dir=cache,
            progress=progress,
            on_build=load_tensorflow,
        )
    if json:
        print_json({"task": task, "board": board, "advice": [each.to_dict() for each in found]})
    else:
        _print(found, task, board)
    if not found:
        raise typer.Exit(ExitCode.NO)


def _print(found: tuple[Advice, ...], task: str, board: str) -> None:
    if not found:
        typer.echo(f"No {task} network of the garden fits {board} within these limits.")
        return
    for each in found:
        verdict, latency = each.verdict, each.verdict.latency
        said = "not measured"
        if each.score is not None:
            said = f"{each.score.metric} {each.score.value:.3f} on {each.score.data}"
        time = ""
        if latency is not None and latency.us is not None and latency.low_us is not None and latency.high_us:
            low, likely, high = (
                float(f"{us / 1000:.2g}") for us in (latency.low_us, latency.us, latency.high_us)
            )
            time = f"{likely:,.10g} ms ({low:,.10g} to {high:,.10g}) {latency.kind}"
        typer.echo(
            f"{each.candidate.name:42} {said:32} {each.candidate.macs / 1e6:7.1f} M MAC"
            f"  flash {verdict.flash_bytes or 0:>9,} B  RAM {verdict.ram_bytes or 0:>8,} B  {time}".rstrip()
        )
    if any(each.score is None for each in found):
        typer.echo(
            "Where nothing was measured, MACs stand in for how good a network may be: train it to know."
        )
    typer.echo(f"The first: {found[0].call}")
