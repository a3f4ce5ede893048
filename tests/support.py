"""What several rooms of tests need: tools that may be missing."""

from __future__ import annotations

import importlib.util
import os
import shutil

import pytest


def require(tool: str) -> None:
    """Skip the test with a reason unless the Python module or the executable is there; under CI=true, fail.

    Args:
        tool: "module:NAME" or the name of an executable on PATH.
    """
    kind, _, name = tool.rpartition(":")
    there = importlib.util.find_spec(name) is not None if kind == "module" else shutil.which(name) is not None
    if there:
        return
    reason = f"needs {'the Python module' if kind else 'the tool'} '{name}'"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{reason}, which CI must have")
    pytest.skip(reason)
