"""A validation over a port loads no TensorFlow and no Keras."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mcu.bundle import Bundle

PROGRAM = """
import sys
import mcu
run = mcu.validate(sys.argv[1], "digits", limit=3, out_dir=sys.argv[2])
assert run.bit_exact
list(mcu.infer(sys.argv[1], "-", lines=[]))
print(sorted({name.partition(".")[0] for name in sys.modules} & {"tensorflow", "keras", "tf_keras", "matplotlib"}))
"""


def test_a_validation_loads_neither_tensorflow_nor_keras(bundle: Bundle, tmp_path: Path):
    command = [sys.executable, "-c", PROGRAM, str(bundle.path), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
