"""`keras-tiny profile` takes a file, a bundle or a name, and draws what it found."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from keras_tiny.cli import app
from keras_tiny.errors import BadInput, UnknownName
from keras_tiny.models.table import read_table
from tests.support import require
from tests.tflite_networks import segmenter


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["profile", *words], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


@pytest.fixture
def file(tmp_path: Path) -> str:
    require("module:tflite_micro")
    (tmp_path / "model.tflite").write_bytes(segmenter())
    return str(tmp_path / "model.tflite")


def test_a_file_is_profiled_and_its_peak_and_scratch_are_told(file: str) -> None:
    found = json.loads(run(file, "--json"))
    assert found["peak_operator"] == "CONCATENATION 'skip'"
    assert found["transpose_conv_scratch_bytes"] == 1024
    said = run(file)
    assert "1,024 B at CONCATENATION 'skip'" in said


def test_the_plot_is_written_as_svg(file: str, tmp_path: Path) -> None:
    run(file, "--plot", str(tmp_path / "memory.svg"))
    words = "".join(ElementTree.parse(tmp_path / "memory.svg").getroot().itertext())
    assert "peak: CONCATENATION 'skip', 1,024 bytes" in words


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--convention", "thop"], "needs the float model"),
        (["width=0.5"], "it takes no width"),
        (["--plot", "memory.png"], "SVG"),
        (["--plot", "nowhere/memory.svg"], "no folder nowhere"),
    ],
)
def test_what_a_file_cannot_answer_is_refused(file: str, words: list[str], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        run(file, *words)


def test_a_file_that_is_not_there_and_a_name_that_nobody_has_are_told_apart() -> None:
    with pytest.raises(BadInput, match=r"Cannot read gone\.tflite"):
        run("gone.tflite")
    with pytest.raises(UnknownName, match="Did you mean unet4"):
        run("unet44")


@pytest.mark.slow
def test_a_named_model_has_the_numbers_of_its_row_in_both_conventions() -> None:
    require("module:tflite_micro")
    row = next(row for row in read_table() if row.model == "unet4")
    found = json.loads(run("unet4", "--json"))
    assert (found["params"], found["macs"]) == (row.params, row.macs)
    # Random weights are others in each process, so the converter shares other constants.
    assert found["tflite_bytes"] == pytest.approx(row.tflite_bytes, rel=0.01)
    assert found["arena_bytes"] == pytest.approx(row.arena_bytes, rel=0.01)
    assert json.loads(run("unet4", "--convention", "thop", "--json"))["macs"] == row.macs_thop
