"""Versions of everything that decides a run's numbers; stored with runs and bundles."""

from __future__ import annotations

import platform
from importlib import metadata

TOOLS = (
    "keras-tiny",
    "tensorflow",
    "tf_keras",
    "tensorflow-model-optimization",
    "numpy",
    "pillow",
    "tflite-micro",
)


def tool_versions() -> dict[str, str]:
    """Name → version of Python and of each tool that is installed."""
    versions = {"python": platform.python_version()}
    for tool in TOOLS:
        try:
            versions[tool] = metadata.version(tool)
        except metadata.PackageNotFoundError:
            continue
    return versions
