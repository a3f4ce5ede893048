"""The verbs of `keras_tiny` and `mcu` stay callable, however often they are used and whatever was imported before."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support import require

SCRIPT = """
import importlib, pkgutil, {package}
def check():
    for name in {package}.__all__:
        value = getattr({package}, name)
        if name in {package}._VERBS or name in ("export", "blame", "compare", "advise"):
            assert callable(value), name
check()
for module in {modules!r}:
    importlib.import_module(module)
check()
"""


@pytest.mark.parametrize(
    ("package", "modules"),
    [
        ("keras_tiny", ["keras_tiny.export.bundle", "keras_tiny.training.train", "keras_tiny.runs.run"]),
        ("mcu", ["mcu.flash.flasher", "mcu.hil.runner", "mcu.hil.live", "mcu.boards.board"]),
    ],
)
def test_verbs_stay_callable(package: str, modules: list[str]):
    if package == "keras_tiny":
        require("module:tensorflow")
    script = SCRIPT.format(package=package, modules=modules)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
