"""Weights on disk as plain arrays with names and shapes: nothing that is read can run code, nothing is half written."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_tiny.errors import BadInput


def save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write named arrays as one .npz file; the file that was there before survives any failure."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # names are keywords of savez
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(buffer.getvalue())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise BadInput(
            f"Cannot write the checkpoint {path}: {error.strerror or error}; the last one is kept.",
            hint="Free some space; then go on with --resume.",
        ) from error


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read what `save_arrays` wrote.

    Raises:
        BadInput: no such file, or not one of ours.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise BadInput(f"There is no checkpoint {path}.") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise BadInput(f"{path} is not a checkpoint of keras-tiny: {error}.") from None


def save_weights(path: Path, model: Any) -> None:
    """Every weight of the model, trainable or not, in its own order."""
    save_arrays(path, pack(model.weights))


def load_weights(path: Path, model: Any) -> None:
    """Put stored weights into a model of the same build.

    Raises:
        BadInput: a checkpoint of another model; says the first weight that differs. The model is unchanged.
    """
    unpack(load_arrays(path), model.weights, origin=str(path))


def pack(variables: Sequence[Any], *, prefix: str = "weights") -> dict[str, np.ndarray]:
    """Variables as arrays named by their position and name."""
    return {f"{prefix}/{index:04d}/{v.name}": v.numpy() for index, v in enumerate(variables)}


def unpack(
    arrays: dict[str, np.ndarray], variables: Sequence[Any], *, origin: str, prefix: str = "weights"
) -> None:
    """Assign arrays to variables, all or none."""
    stored = [(name, array) for name, array in sorted(arrays.items()) if name.startswith(f"{prefix}/")]
    if len(stored) != len(variables):
        raise BadInput(
            f"{origin} is a checkpoint of another model: it has {len(stored)} {prefix}, this one has {len(variables)}."
        )
    for (name, array), variable in zip(stored, variables, strict=True):
        if array.shape != tuple(variable.shape):
            raise BadInput(
                f"{origin} is a checkpoint of another model: '{name.split('/', 2)[2]}' has shape {array.shape}, "
                f"'{variable.name}' needs {tuple(variable.shape)}."
            )
    for (_, array), variable in zip(stored, variables, strict=True):
        variable.assign(array)
