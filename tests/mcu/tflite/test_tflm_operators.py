"""The table of TensorFlow Lite Micro's operators is what the pinned wheel itself answers, operator by operator."""

from __future__ import annotations

import subprocess
import sys

import tflite

from mcu.tflite.tflm_operators import ADD_METHODS
from tests.support import require
from tests.tflite_writer import Graph

# Each attempt is a forked child: kernels may crash on a model that has nothing but their name right.
ASK = """
import os, sys
from pathlib import Path
from mcu.tflm_probe import new_interpreter
from tflite_micro.python.tflite_micro import _runtime

for path in sorted(Path(sys.argv[1]).iterdir()):
    log = path.with_suffix(".log")
    child = os.fork()
    if child == 0:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT), 2)
        try:
            new_interpreter(path.read_bytes(), arena_bytes=1 << 20)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    print(path.stem, "Didn't find op" in log.read_text())
"""


def test_the_wheel_has_exactly_the_operators_of_the_table(tmp_path):
    require("module:tflite_micro")
    names = {name for name in vars(tflite.BuiltinOperator) if name.isupper()} - {"CUSTOM"}
    for name in names:
        graph = Graph()
        x = graph.input("x", (1, 4))
        model_bytes = graph.build(outputs=(graph.add(name, (x,), "y", (1, 4)),))
        (tmp_path / f"{name}.tflite").write_bytes(model_bytes)
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path)], capture_output=True, text=True, check=True
    )
    answers = dict(line.split() for line in done.stdout.splitlines())
    assert set(answers) == names
    assert {name for name, is_missing in answers.items() if is_missing == "False"} == set(ADD_METHODS)
