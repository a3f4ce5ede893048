"""`keras-tiny models`: what is in the garden, what each model costs, and of what layers it is made."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcu.console import JsonOption, print_error, print_json

if TYPE_CHECKING:
    from keras_tiny.models.table import TableRow

# The row's own columns, without what is said of the whole model.
_LEFT_OUT = ("task", "model")


def register(app: typer.Typer) -> None:
    app.command()(models)


def models(
    name: Annotated[str | None, typer.Argument(help="Only this model, with its layers and variants.")] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            help="Of its builder, e.g. width=0.5 input_shape=128x128x3.", metavar="[NAME=VALUE]..."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the models of the garden; with a name, its variants and its layer table.

    The numbers in the list are those of the first variant, the one to start with. "int8 file" and "arena" are what it
    takes of a board's flash and RAM, with TensorFlow Lite Micro, estimated for 32-bit pointers.

    Example: keras-tiny models mobilenet_v2 width=0.5
    """
    from keras_tiny.cli.model_arguments import parse_arguments
    from keras_tiny.models import MODELS
    from keras_tiny.models.table import read_table

    chosen = {name: MODELS[name]} if name is not None else dict(MODELS)
    for problem in MODELS.problems() if name is None else ():
        print_error(problem)
    given = parse_arguments(arguments or [])
    rows = {key: [row for row in read_table() if row.model == key] for key in chosen}
    listed = [_summary(key, entry.task, entry.paper, rows[key]) for key, entry in chosen.items()]
    if json:
        print_json({"models": listed})
        return
    if name is None:
        _print_list(listed)
        return
    typer.echo(f"{name}, {chosen[name].task}: {chosen[name].paper}")
    _print_variants(rows[name])
    _print_layers(name, given)


def _summary(name: str, task: str, paper: str, rows: list[TableRow]) -> dict[str, Any]:
    """What --json says of one model; `variants` are the rows of table.csv."""
    first = asdict(rows[0]) if rows else {}
    keys = (
        "params",
        "macs",
        "input_shape",
        "bytes_fp32",
        "bytes_fp16",
        "bytes_int8",
        "tflite_bytes",
        "arena_bytes",
        "arena_bytes_32bit",
    )
    variants = [{key: value for key, value in asdict(row).items() if key not in _LEFT_OUT} for row in rows]
    numbers = {key: first.get(key) for key in keys}
    return {"name": name, "task": task, **numbers, "paper": paper, "variants": variants}


def _print_list(listed: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "task", box=None, pad_edge=False)
    for title in ("variant", "params", "MACs", "fp32", "fp16", "int8 file", "arena"):
        table.add_column(title, justify="left" if title == "variant" else "right", no_wrap=True)
    table.add_column("paper")
    for model in listed:
        first = model["variants"][0]["name"].removeprefix(f"{model['name']}-") if model["variants"] else "-"
        table.add_row(
            model["name"],
            model["task"],
            first,
            *(_count(model[key]) for key in ("params", "macs")),
            *(_size(model[key]) for key in ("bytes_fp32", "bytes_fp16", "tflite_bytes", "arena_bytes_32bit")),
            model["paper"],
        )
    _console(Console).print(table)


def _print_variants(rows: list[TableRow]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("variant", "input", "outputs", box=None, pad_edge=False)
    for title in ("params", "MACs", "fp32", "fp16", "int8", "int8 file", "arena"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.name,
            "x".join(map(str, row.input_shape)),
            "features" if row.num_classes is None else str(row.num_classes),
            *(_count(value) for value in (row.params, row.macs)),
            *(_size(value) for value in (row.bytes_fp32, row.bytes_fp16, row.bytes_int8)),
            *(_size(value) for value in (row.tflite_bytes, row.arena_bytes_32bit)),
        )
    _console(Console).print(table)


def _print_layers(name: str, given: dict[str, Any]) -> None:
    """The layers of the first variant, with the arguments that were given instead of its own."""
    from rich.console import Console
    from rich.table import Table

    from keras_tiny.cli.quiet import load_tensorflow
    from keras_tiny.models import build
    from keras_tiny.models.table import first_arguments

    load_tensorflow()
    from keras_tiny.profile.keras_macs import layer_costs

    arguments = first_arguments(name) | given
    costs = layer_costs(build(name, **arguments))
    typer.echo("\n" + name + "(" + ", ".join(f"{key}={value!r}" for key, value in arguments.items()) + ")")
    table = Table("layer", "type", "output", box=None, pad_edge=False)
    for title in ("params", "MACs"):
        table.add_column(title, justify="right")
    for cost in costs:
        shape = "x".join(map(str, cost.output_shape))
        table.add_row(cost.name, cost.kind, shape, *(f"{n:,}" if n else "" for n in (cost.params, cost.macs)))
    total = (sum(cost.params for cost in costs), sum(cost.macs for cost in costs))
    table.add_row("total", "", "", *(f"{value:,}" for value in total))
    _console(Console).print(table)


def _console(kind: Any) -> Any:
    """On a terminal as wide as it is; in a pipe as wide as the table, so that nothing is cut."""
    import sys

    return kind() if sys.stdout.isatty() else kind(width=300)


def _count(value: int | None) -> str:
    if value is None:
        return "-"
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:.3g}{name}" if value < 1000 * unit else f"{value / unit:.0f}{name}"
    return str(value)


def _size(value: int | None) -> str:
    return "-" if value is None else f"{value / 1024:,.0f} KiB"
