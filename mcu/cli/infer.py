"""`mcu infer`: pictures in, the board's answers out, frame by frame."""

from __future__ import annotations

import json as json_lines
from pathlib import Path
from typing import Annotated

import typer

from mcu.console import JsonOption


def register(app: typer.Typer) -> None:
    app.command()(infer)


def infer(
    bundle: Annotated[Path, typer.Argument(help="Folder that `keras-tiny export` wrote.")],
    source: Annotated[str, typer.Argument(help="A picture, a folder of pictures, or - for paths on stdin.")],
    board: Annotated[str, typer.Option(help="Board id, see `mcu boards`.")] = "virtual",
    port: Annotated[
        str | None, typer.Option(help="Device or URL; found by itself for the virtual board.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Answer pictures live; with --json one object per line.

    Example: mcu infer build/demo/bundle photos/ --board virtual
    """
    from mcu.hil import infer as run_inference

    for answer in run_inference(bundle, source, board=board, port=port):
        if json:
            fields = {
                "index": answer.index,
                "source": answer.source,
                "label": answer.label,
                "score": answer.score,
                "findings": [finding._asdict() for finding in answer.findings],
                "output": answer.output.tolist(),
                "fps": round(answer.fps, 2),
                "latency_us": answer.latency_us,
            }
            print(json_lines.dumps(fields), flush=True)
        else:
            named = ", ".join(f"{finding.label} {finding.score:.1%}" for finding in answer.findings)
            typer.echo(
                f"{answer.index:5}  {named:20} {answer.latency_us} us  {answer.fps:.1f} frames/s  {answer.source}"
            )
