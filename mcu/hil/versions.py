"""Versions of what takes part on the host, for the record."""

from __future__ import annotations

import platform
from importlib import metadata

_PARTS = ("keras-tiny", "tflite-micro", "numpy", "pyserial")


def host_versions() -> dict[str, str]:
    """Name → version; what is not installed is left out."""
    found = {"python": platform.python_version()}
    for name in _PARTS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
