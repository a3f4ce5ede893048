"""A run that is killed with SIGKILL at random moments and resumed ends with the weights of one that was not."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.support import require

SETTINGS = [
    "--recipe=digits_demo",
    "--set=model=mobilenet_v1",
    "--set=model.arguments.width=0.25",
    "--image-size=32",
    "--epochs=6",
    "--qat-epochs=3",
    "--set=quantize.calibration_samples=32",
]


def start(run_dir: Path, *, resume: bool) -> subprocess.Popen[bytes]:
    code = "import sys; from keras_tiny.cli import main; main()"
    arguments = ["train", *SETTINGS, f"--run-dir={run_dir}", *(["--resume"] if resume else [])]
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_kills_at_random_moments_change_no_weight(tmp_path: Path):
    require("module:tensorflow")
    began = time.monotonic()
    assert start(tmp_path / "whole", resume=False).wait() == 0
    whole_s = time.monotonic() - began

    moments = random.Random(20)
    kills = 0
    while True:
        resume = (tmp_path / "killed" / "recipe.yaml").is_file()
        process = start(tmp_path / "killed", resume=resume)
        try:
            # Long enough to get somewhere: each start costs the import and the tracing of the graphs.
            _, err = process.communicate(timeout=moments.uniform(0.2, 0.9) * whole_s if kills < 10 else None)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            print(f"kill {kills}: {sorted(path.name for path in (tmp_path / 'killed').glob('*'))}")
            continue
        assert process.returncode == 0, err.decode()[-2000:]
        if kills >= 10:
            break
        # It finished before the tenth kill: start over in a new folder, the kills go on.
        (tmp_path / "killed").rename(tmp_path / f"finished-{kills}")
    for folder in [tmp_path / "killed", *tmp_path.glob("finished-*")]:
        for name in ("float.npz", "qat.npz"):
            with np.load(tmp_path / "whole" / name) as expected, np.load(folder / name) as found:
                assert expected.files == found.files
                for key in expected.files:
                    np.testing.assert_array_equal(
                        found[key], expected[key], err_msg=f"{folder.name}/{name}/{key}"
                    )
