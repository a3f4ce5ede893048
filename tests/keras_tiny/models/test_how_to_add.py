"""docs/how_to/add_a_model.md, followed to the letter in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import require

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/how_to/add_a_model.md"
COPIED = ("keras_tiny", "mcu", "tests", "docs", "pyproject.toml")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.slow
def test_the_page_adds_a_model_that_keeps_the_contract(checkout: Path) -> None:
    require("module:tflite_micro")
    module, entry = blocks("python")
    before = (checkout / "keras_tiny/models/table.csv").read_text().splitlines()
    (checkout / "keras_tiny/models/tiny_vgg.py").write_text(module)
    table = checkout / "keras_tiny/models/__init__.py"
    opening = 'MODELS = Registry(\n    "model",\n    {\n'
    text = table.read_text()
    assert text.count(opening) == 1
    table.write_text(text.replace(opening, opening + entry))

    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    said = ""
    for commands in blocks("sh"):
        done = subprocess.run(
            ["sh", "-e"],
            input=commands,
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stdout
        assert done.returncode == 0, done.stdout + done.stderr
    # The contract ran on the new model, and nothing of it was skipped.
    passed = re.search(r"(\d+) passed", said)
    assert passed is not None, said
    assert int(passed[1]) >= 12, said
    assert "skipped" not in said

    rows = (checkout / "keras_tiny/models/table.csv").read_text().splitlines()
    (added,) = set(rows) - set(before)
    assert set(before) < set(rows)
    assert added.startswith("tiny_vgg-default-64-10_classes,classification,tiny_vgg,")
    assert "### tiny_vgg" in (checkout / "docs/reference/models.md").read_text()


def test_the_names_on_the_page_are_those_of_the_code() -> None:
    from keras_tiny.models.deployable import FALLBACK_SIDE

    text = PAGE.read_text()
    assert f"{FALLBACK_SIDE}×{FALLBACK_SIDE} pixels" in text
    for path in re.findall(r"`((?:keras_tiny|tests|docs)/[\w/.]+)`", text):
        assert (ROOT / path).exists() or path.endswith("tiny_vgg.py"), path
