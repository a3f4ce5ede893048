"""A newcomer's path: from the README alone to a validated bundle of their own folder of pictures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.newcomer import CLASSES, PER_CLASS, commands, draw_pictures
from tests.support import require


def test_it_takes_at_most_six_commands_and_the_first_installs():
    assert 1 < len(commands()) <= 6
    assert commands()[0] == "pip install 'keras-tiny[train,virtual]'"
    assert commands()[-1].startswith("mcu validate ")
    assert not [line for line in commands() if "&&" in line or ";" in line], "one command is one command"


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_commands_lead_from_a_folder_of_pictures_to_a_validated_bundle(tmp_path: Path):
    require("module:tensorflow")
    require("module:tflite_micro")
    draw_pictures(tmp_path / "pictures")
    # What pip would install is under test already: the other commands run from here.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command in commands()[1:]:
        done = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    check_validated(tmp_path)


def check_validated(folder: Path) -> None:
    """The bundle knows the folder's classes, and the board answered every test picture as the desk did."""
    manifest = json.loads((folder / "build/pictures/manifest.json").read_text())
    assert set(manifest["labels"]) == set(CLASSES)
    run = json.loads((folder / "build/pictures-hil-virtual/hil_run.json").read_text())
    # A hash of its name decides where a picture goes: 15 % become test on average.
    assert 0.05 < run["samples"] / (PER_CLASS * len(CLASSES)) < 0.3
    assert run["mismatched_bytes"] == 0
    assert run["metrics"]["accuracy"] > 1.5 / len(CLASSES)
    assert (folder / "build/pictures-hil-virtual/report.html").stat().st_size > 10_000
