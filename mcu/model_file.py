"""The bytes of a model, as a person names it: a bundle, or a .tflite file."""

from __future__ import annotations

from pathlib import Path

from mcu.errors import BadInput


def read_tflite(path: Path) -> bytes:
    """The content of a .tflite file; whether it is one is for who parses it.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"Cannot read {path}: {error.strerror}.", hint="Pass a .tflite file or a bundle folder."
        ) from None


def model_bytes_of(path: Path) -> bytes:
    """The model of a bundle, or a .tflite file's.

    Raises:
        BadInput: there is none, or it cannot be read. BundleError: the bundle is damaged.
    """
    from mcu.bundle import Bundle  # imported here: a file needs none of it

    if path.is_file():
        return read_tflite(path)
    if path.suffix == ".tflite":
        raise BadInput(f"There is no model {path}.")
    return Bundle.open(path).model_bytes
