"""A run that is killed with SIGKILL at random moments and resumed ends with the weights of one that was not.

Moments are drawn in progress, not in time: so many epochs after a start and a part of the next, or during the start.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
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
RECIPE = "import sys; from keras_tiny.cli import main; main()"
# The loop and its checkpoints alone, with a network that trains an epoch in a blink.
LOOP = """
import sys
from pathlib import Path
from keras_tiny.recipe import AugmentPart, OptimizerPart, PhasePart, Recipe
from keras_tiny.training.checkpoint import save_weights
from keras_tiny.training.log import RunLog
from keras_tiny.training.loop import train_phase
from keras_tiny.training.state import Store
from tests.keras_tiny.training.small import few_digits, small_model
folder = Path(sys.argv[1])
folder.mkdir(exist_ok=True)
task, data = few_digits()
model = small_model()
recipe = Recipe(seed=5, mixup=0.2, augment=AugmentPart(shift=0.1), optimizer=OptimizerPart(weight_decay=1e-4))
store = Store(folder, RunLog(folder / "log.jsonl"))
train_phase(model, task, data, recipe, PhasePart(epochs=40, learning_rate=0.01), name="float", store=store)
save_weights(folder / "float.npz", model)
"""
Start = Callable[[Path], subprocess.Popen[bytes]]


def start_recipe(run_dir: Path) -> subprocess.Popen[bytes]:
    resume = ["--resume"] if (run_dir / "recipe.yaml").is_file() else []
    return started(RECIPE, "train", *SETTINGS, f"--run-dir={run_dir}", *resume)


def start_loop(run_dir: Path) -> subprocess.Popen[bytes]:
    return started(LOOP, str(run_dir))


def started(code: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )


def lines(log: Path) -> int:
    return log.read_bytes().count(b"\n") if log.is_file() else 0


def kill_at_random(process: subprocess.Popen[bytes], log: Path, moments: random.Random) -> bool:
    """Whether the run was killed, before it ended by itself."""
    until = lines(log) + moments.randint(0, 3)
    began = time.monotonic()
    while process.poll() is None and lines(log) < until:
        time.sleep(0.005)
    # Into the next epoch, or into the start: as far as a few hundredths of the time that it took to get here.
    time.sleep(moments.uniform(0, 0.1) * (time.monotonic() - began) + moments.uniform(0, 0.3))
    alive = process.poll() is None
    process.kill()
    process.communicate()
    return alive


def assert_ten_kills_change_nothing(start: Start, folder: Path, *, weights: tuple[str, ...]) -> None:
    whole = start(folder / "whole")
    _, err = whole.communicate()
    assert whole.returncode == 0, err.decode()[-2000:]
    moments = random.Random(20)
    kills, number = 0, 0
    ended: list[Path] = []
    while kills < 10:
        run_dir = folder / f"killed-{number}"
        if kill_at_random(start(run_dir), run_dir / "log.jsonl", moments):
            kills += 1
            print(f"kill {kills}: {lines(run_dir / 'log.jsonl')} epochs are done")
        else:  # it ended before it was killed: the kills go on in a new folder
            ended.append(run_dir)
            number += 1
    last = start(folder / f"killed-{number}")
    _, err = last.communicate()
    assert last.returncode == 0, err.decode()[-2000:]
    for run_dir in [*ended, folder / f"killed-{number}"]:
        assert lines(run_dir / "log.jsonl") == lines(folder / "whole" / "log.jsonl")
        for name in weights:
            with np.load(folder / "whole" / name) as expected, np.load(run_dir / name) as found:
                assert expected.files == found.files
                for key in expected.files:
                    np.testing.assert_array_equal(
                        found[key], expected[key], err_msg=f"{run_dir.name}/{name}/{key}"
                    )


@pytest.mark.slow
@pytest.mark.timeout(
    0
)  # a dozen starts of TensorFlow: on a machine that is busy with other work they take long
def test_ten_kills_of_the_loop_at_random_moments_change_no_weight(tmp_path: Path):
    require("module:tensorflow")
    assert_ten_kills_change_nothing(start_loop, tmp_path, weights=("float.npz",))


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_ten_kills_of_a_recipe_at_random_moments_change_no_weight(tmp_path: Path):
    require("module:tensorflow")
    assert_ten_kills_change_nothing(start_recipe, tmp_path, weights=("float.npz", "qat.npz"))
