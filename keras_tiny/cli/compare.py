"""`keras-tiny compare` and `keras-tiny gate`: two results side by side; one against thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcu.console import JsonOption, print_json
from mcu.errors import ExitCode

if TYPE_CHECKING:
    from keras_tiny.compare import Check, Comparison, Subject

_WHAT = "A bundle, a .tflite file, a run record of `mcu validate`, or a file of `mcu bench --json`."


def register(app: typer.Typer) -> None:
    app.command()(compare)
    app.command()(gate)


def compare(
    a: Annotated[Path, typer.Argument(help=_WHAT)],
    b: Annotated[Path, typer.Argument(help="Another of them.")],
    top: Annotated[int, typer.Option(min=1, help="How many layers to print, the most different first.")] = 5,
    json: JsonOption = False,
) -> None:
    """Put two results side by side: accuracy, bytes, memory, instructions, and each layer if the graphs are the same.

    Example: keras-tiny compare build/before/bundle build/after/bundle
    """
    from keras_tiny.compare import compare as run_comparison

    found = run_comparison(a, b)
    if json:
        print_json(found.to_dict())
        return
    _print_comparison(found, top=top)


def gate(
    result: Annotated[Path, typer.Argument(help=_WHAT)],
    min_accuracy: Annotated[
        float | None, typer.Option(help="Least value of the task's metric, 0 to 1: the board's, else QAT's.")
    ] = None,
    max_drop: Annotated[float | None, typer.Option(help="How far that may be below the float model.")] = None,
    max_arena: Annotated[int | None, typer.Option(help="Working memory, in bytes.")] = None,
    max_flash: Annotated[int | None, typer.Option(help="The int8 file, in bytes.")] = None,
    max_latency_us: Annotated[float | None, typer.Option(help="Median latency, in microseconds.")] = None,
    max_instructions: Annotated[int | None, typer.Option(help="Of one inference.")] = None,
    bit_exact: Annotated[
        bool, typer.Option("--bit-exact", help="The board must have answered every byte as the desk.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Check a result against thresholds. Exit code 1 if one is missed, or its figure is not known.

    Example: keras-tiny gate build/demo --min-accuracy 0.97 --max-drop 0.01 --max-arena 240000 --bit-exact
    """
    from dataclasses import asdict

    from keras_tiny.compare import gate as run_gate
    from keras_tiny.compare import read_subject

    checks = run_gate(
        read_subject(result),
        min_accuracy=min_accuracy,
        max_drop=max_drop,
        max_arena_bytes=max_arena,
        max_flash_bytes=max_flash,
        max_latency_us=max_latency_us,
        max_instructions=max_instructions,
        bit_exact=bit_exact,
    )
    ok = all(check.ok for check in checks)
    if json:
        print_json({"ok": ok, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            _print_check(check)
    if not ok:
        raise typer.Exit(ExitCode.NO)


def _print_check(check: Check) -> None:
    typer.echo(
        f"{'ok    ' if check.ok else 'missed'}  {check.name} {check.wanted}: received {_value(check.received)}"
    )
    if check.hint:
        typer.echo(f"        {check.hint}")


def _print_comparison(found: Comparison, *, top: int) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for title in (_title(found.a), _title(found.b), "b − a"):
        table.add_column(title, justify="right", overflow="fold")
    for row in _rows(found):
        table.add_row(*row)
    console.print(table)
    if found.layers:
        layers = Table(box=None, pad_edge=False, header_style="dim")
        layers.add_column("layer", overflow="fold")
        layers.add_column("operator")
        layers.add_column("SQNR, b against a", justify="right")
        layers.add_column("cosine", justify="right")
        for layer in found.layers[:top]:
            sqnr = "equal" if layer.sqnr_db == float("inf") else f"{layer.sqnr_db:.1f} dB"
            layers.add_row(layer.layer, layer.operator, sqnr, f"{layer.cosine:.4f}")
        console.print()
        console.print(layers)
    typer.echo(found.note)


def _rows(found: Comparison) -> list[tuple[str, str, str, str]]:
    """Every figure that one of the two has."""
    from keras_tiny.compare.compare import FIGURES

    changes = {each.name: each for each in found.differences}
    rows = []
    for name, label in FIGURES.items():
        a, b = getattr(found.a, name), getattr(found.b, name)
        if a is None and b is None:
            continue
        metric = found.a.metric or found.b.metric
        label = f"{metric}, {label}" if name.startswith("score_") else label
        change = changes[name].change if name in changes else None
        rows.append((label, _value(a), _value(b), _change(change, a)))
    for name, each in changes.items():
        if name.startswith("operators."):
            rows.append(
                (name.partition(".")[2], _value(each.a), _value(each.b), _change(each.change, each.a))
            )
    return rows


def _title(subject: Subject) -> str:
    return f"{subject.name} ({subject.kind})"


def _value(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4f}" if abs(value) <= 1 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _change(change: float | None, before: Any) -> str:
    """With its sign, and what share of `before` it is where that is no share itself."""
    if change is None:
        return ""
    if isinstance(change, int) and before:
        return f"{change:+,} ({change / before:+.1%})"
    return f"{change:+,.4f}" if abs(change) <= 1 else f"{change:+,.0f}"
