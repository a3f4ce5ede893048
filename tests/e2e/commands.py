"""Commands of the package as a person types them, with `--json`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def exported(run: Path, bundle: Path) -> dict[str, Any]:
    """What `keras-tiny export --json` says of a run folder."""
    command = [sys.executable, "-c", "from keras_tiny.cli import main; main()"]
    command += ["export", str(run), "--out", str(bundle), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
