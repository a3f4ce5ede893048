"""`keras-tiny blame`: which layer loses accuracy on the way to int8?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mcu.console import JsonOption, print_json, progress_bar
from mcu.model_file import read_tflite

if TYPE_CHECKING:
    import numpy as np

    from keras_tiny.blame import Blame

_NOISE_IMAGES = 4


def register(app: typer.Typer) -> None:
    app.command()(blame)


def blame(
    model: Annotated[Path, typer.Argument(help="A bundle folder, or an int8 .tflite file.")],
    run: Annotated[
        Path | None,
        typer.Option(help="Run folder that it was exported from: its float weights are compared."),
    ] = None,
    which: Annotated[
        Literal["qat", "float"],
        typer.Option(help="Which of the run's weights; float for its ptq.tflite."),
    ] = "qat",
    float_file: Annotated[
        Path | None,
        typer.Option("--float", help="Instead of --run: the float .tflite file of the same network."),
    ] = None,
    pictures: Annotated[int, typer.Option(min=1, help="How many pictures, at most.")] = 8,
    top: Annotated[int, typer.Option(min=1, help="How many layers to print, the worst first.")] = 10,
    json: JsonOption = False,
) -> None:
    """Compare every tensor of an int8 file with the float network, worst first, with what to do about it.

    Without --run and --float the weights are the file's own: a wrong scale or a clipped range is seen, a wrong
    weight is not.

    Example: keras-tiny blame build/demo/bundle --run build/demo/run
    """
    from keras_tiny.blame import blame as run_blame
    from keras_tiny.errors import BadInput

    if run is not None and float_file is not None:
        raise BadInput("--run and --float both name the float model.", hint="Pass one of them.")
    model_bytes, images = _model(model)
    float_bytes = None if float_file is None else read_tflite(float_file)
    if run is not None:
        float_bytes, of_run = _of_run(run, which, model_bytes, pictures if images is None else 0)
        images = of_run if images is None else images
    with progress_bar("blame", quiet=json) as progress:
        noise = images is None
        chosen = _noise(model_bytes) if images is None else images[:pictures]
        found = run_blame(model_bytes, chosen, float_bytes=float_bytes, progress=progress)
    if json:
        print_json(found.to_dict() | {"layers": found.to_dict()["layers"][:top]})
        return
    _print(found, top=top, noise=noise)


def _model(path: Path) -> tuple[bytes, np.ndarray | None]:
    """The file, and the pictures of its bundle."""
    from mcu.bundle import Bundle

    if not path.is_dir():
        return read_tflite(path), None
    from keras_tiny.export.golden import pictures_of

    bundle = Bundle.open(path)
    return bundle.model_bytes, pictures_of(bundle.golden_inputs)


def _of_run(
    run: Path, which: Literal["qat", "float"], model_bytes: bytes, pictures: int
) -> tuple[bytes, np.ndarray | None]:
    import numpy as np

    from keras_tiny.cli.quiet import load_tensorflow

    load_tensorflow()
    from keras_tiny.preprocessing.to_int8 import to_int8
    from keras_tiny.runs.float_twin import float_twin
    from mcu.tflm import TflmInterpreter

    float_bytes, data = float_twin(run, which=which)
    if not pictures:
        return float_bytes, None
    (tensor,) = TflmInterpreter(model_bytes).inputs
    chosen = data.test[: min(pictures, len(data.test))]
    return float_bytes, np.concatenate([to_int8(each.image, data.preprocessing, tensor) for each in chosen])


def _noise(model_bytes: bytes) -> np.ndarray:
    import numpy as np

    from mcu.tflite import read_model

    model = read_model(model_bytes)
    shape = model.tensors[model.inputs[0]].shape[1:] if model.inputs else ()
    return np.random.default_rng(0).integers(-128, 128, (_NOISE_IMAGES, *shape), np.int8)


def _print(found: Blame, *, top: int, noise: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("layer", overflow="fold")
    table.add_column("operator")
    for name in ("SQNR", "possible", "cosine", "in total"):
        table.add_column(name, justify="right", no_wrap=True)
    for layer in found.layers[:top]:
        table.add_row(
            layer.layer,
            layer.operator,
            _decibels(layer.sqnr_db),
            _decibels(layer.possible_db),
            f"{layer.cosine:.4f}",
            _decibels(layer.total_sqnr_db),
        )
    Console().print(table)
    typer.echo("SQNR: of the operator alone. Possible: what 8 bits allow. In total: from the picture on.")
    said = [layer for layer in found.layers[:top] if layer.suggestion]
    for layer in said:
        typer.echo(f"{layer.layer}: {layer.suggestion}")
    if not said:
        typer.echo("Every layer is about as good as 8 bits allow.")
    if len(found.layers) > top:
        typer.echo(f"{len(found.layers) - top} more tensors, all of them better; --top shows more.")
    if found.not_compared:
        typer.echo(f"Not compared: {', '.join(found.not_compared)}.")
    if noise:
        typer.echo("On noise, for want of pictures: pass a bundle, or --run.")
    if not found.float_weights:
        typer.echo("The weights are the file's own, so a fault in them is not seen: pass --run or --float.")


def _decibels(value: float) -> str:
    return "exact" if value == float("inf") else f"{value:.1f} dB"
