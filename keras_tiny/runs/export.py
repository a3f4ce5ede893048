"""A finished run folder becomes a bundle, with the figures that the run measured."""

from __future__ import annotations

import json
from pathlib import Path

from keras_tiny.errors import BadInput
from keras_tiny.export.bundle import export
from keras_tiny.runs.folder import load_run
from mcu.bundle import Bundle


def export_run(run_dir: str | Path, path: str | Path, *, name: str | None = None) -> Bundle:
    """Rebuild the run's quantized model, load its weights, export it.

    Raises:
        BadInput: not a run folder, or one that is not finished.
    """
    result = Path(run_dir) / "result.json"
    model, _, data = load_run(run_dir)
    try:
        metrics = json.loads(result.read_text(encoding="utf-8"))["metrics"]
    except (OSError, ValueError, KeyError) as error:
        raise BadInput(
            f"{result} cannot be read: {error}.", hint="Go on: keras-tiny train --resume"
        ) from None
    return export(model, path, data=data, name=name, metrics=metrics)
