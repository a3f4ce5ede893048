"""`keras-tiny profile`: what one inference of an int8 file costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mcu.console import JsonOption, print_json

if TYPE_CHECKING:
    from keras_tiny.profile.profile import Profile

OURS = "keras_tiny"  # counts what a file tells too


def register(app: typer.Typer) -> None:
    app.command()(profile)


def profile(
    model: Annotated[str, typer.Argument(help="A .tflite file, a bundle folder, or the name of a model.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            help="Of the model's builder, e.g. width=0.5 input_shape=128x128x3 num_classes=10.",
            metavar="[NAME=VALUE]...",
        ),
    ] = None,
    convention: Annotated[
        str, typer.Option(help="What counts as a MAC: keras_tiny, or thop, which adds BatchNorm.")
    ] = OURS,
    plot: Annotated[
        Path | None, typer.Option(help="Draw activation memory over time into this .svg file.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Count multiply-accumulates and bytes: where the activations peak, and what TensorFlow Lite Micro needs.

    A model that is named is built, quantized and exported with random weights: they change none of these numbers.

    Example: keras-tiny profile unet4 alpha=8 input_shape=96x96x3 --plot unet4.svg
    """
    from keras_tiny.cli.model_arguments import parse_arguments

    given = parse_arguments(arguments or [])
    if plot is not None:
        _check_plot(plot)
    found = _named(model, given, convention) if _is_name(model) else _file(Path(model), given, convention)
    if plot is not None:
        from keras_tiny.profile.plot import memory_plot

        plot.write_text(memory_plot(found.memory, title=model, arena_bytes=found.arena_bytes_32bit))
    if json:
        print_json(found.to_dict())
    else:
        _print(found, plot)


def _is_name(model: str) -> bool:
    return not Path(model).exists() and "/" not in model and not model.endswith(".tflite")


def _check_plot(plot: Path) -> None:
    from keras_tiny.errors import BadInput

    if plot.suffix != ".svg":
        raise BadInput(f"A plot is an SVG picture, received --plot {plot}.", hint="End the name in .svg")
    if not plot.parent.is_dir():
        raise BadInput(f"There is no folder {plot.parent} for the plot.")


def _file(model: Path, given: dict[str, Any], convention: str) -> Profile:
    """Of what is there already; needs no TensorFlow."""
    from keras_tiny.errors import BadInput
    from keras_tiny.profile.profile import profile as run_profile
    from mcu.bundle import Bundle

    if given:
        raise BadInput(
            f"{model} is a file: it takes no {', '.join(given)}.", hint="Name a model to build one."
        )
    if convention != OURS:
        raise BadInput(
            f"--convention {convention} needs the float model: a file has its BatchNorm folded away.",
            hint="Name a model, for example: keras-tiny profile mobilenet_v2 width=0.35 --convention thop",
        )
    if not model.is_dir():
        return run_profile(model)
    bundle = Bundle.open(model)
    return run_profile(bundle.model_bytes, params=bundle.manifest.params)


def _named(name: str, given: dict[str, Any], convention: str) -> Profile:
    """Of a model of the garden; what is not given is as in the model's first variant."""
    from keras_tiny.cli.quiet import load_tensorflow
    from keras_tiny.models import build
    from keras_tiny.models.table import first_arguments

    arguments = first_arguments(name) | given
    load_tensorflow()
    from keras_tiny.export.untrained import untrained_file
    from keras_tiny.profile.keras_macs import count_macs, count_params
    from keras_tiny.profile.profile import profile as run_profile
    from keras_tiny.training.seeds import seed_everything

    seed_everything(0)
    model = build(name, **arguments)
    macs = count_macs(model, convention=convention)  # type: ignore[arg-type]  # checked there
    return run_profile(untrained_file(model), params=count_params(model), macs=macs, convention=convention)


def _print(found: Profile, plot: Path | None) -> None:
    memory = found.memory
    rows = [
        ("parameters", _number(found.params)),
        ("multiply-accumulates", f"{found.macs:,} (counted as {found.convention})"),
        ("flash: the int8 file", f"{found.tflite_bytes:,} B"),
        ("peak of the activations", f"{memory.peak_activation_bytes:,} B at {memory.peak_operator}"),
        *((f"  skip '{skip.layer}'", f"{skip.bytes:,} B waiting there") for skip in memory.peak_skips),
        ("TRANSPOSE_CONV's scratch", f"{found.scratch_bytes:,} B"),
        ("arena, measured", f"{_number(found.arena_bytes)} B on this 64-bit host"),
        ("arena, estimated", f"{_number(found.arena_bytes_32bit)} B on a 32-bit board"),
        ("operators", ", ".join(f"{name} {count}" for name, count in found.operators.items())),
    ]
    if plot is not None:
        rows.append(("plot", str(plot)))
    for label, value in rows:
        typer.echo(f"{label:26}{value}")


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
