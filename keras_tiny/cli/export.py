"""`keras-tiny export`: a run folder becomes a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mcu.console import JsonOption, print_json


def register(app: typer.Typer) -> None:
    app.command()(export)


def export(
    run: Annotated[Path, typer.Argument(help="Run folder of `keras-tiny train`.")],
    out: Annotated[Path, typer.Option(help="Folder of the bundle.")],
    name: Annotated[str | None, typer.Option(help="Name of the model on the board.")] = None,
    json: JsonOption = False,
) -> None:
    """Convert, audit and write a bundle; an older bundle there survives any failure.

    Example: keras-tiny export runs/mobilenet_v2-digits-1 --out build/digits
    """
    from keras_tiny.cli.quiet import load_tensorflow

    load_tensorflow()
    from keras_tiny.runs.export import export_run

    bundle = export_run(run, out, name=name)
    manifest = bundle.manifest
    ((metric, measured),) = manifest.metrics.items()
    if json:
        print_json(
            {
                "bundle": str(bundle.path),
                "tflite_bytes": manifest.tflite_bytes,
                "arena_bytes": manifest.arena_bytes,
                "macs": manifest.macs,
                "params": manifest.params,
                "metric": metric,
                "metrics": measured,
            }
        )
        return
    typer.echo(f"Bundle: {bundle.path}")
    typer.echo(
        f"  model.tflite {manifest.tflite_bytes:,} B, arena {manifest.arena_bytes:,} B "
        f"({manifest.arena_bytes_32bit:,} B estimated on a 32-bit board), {manifest.macs:,} MACs"
    )
