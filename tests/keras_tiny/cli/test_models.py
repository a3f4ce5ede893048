"""`keras-tiny models` lists every model with its numbers, and never loads TensorFlow for it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from keras_tiny.cli import app
from keras_tiny.errors import BadInput, UnknownName
from keras_tiny.models import MODELS
from keras_tiny.models.table import read_table
from tests.support import require


def run(*words: str) -> str:
    done = CliRunner().invoke(app, ["models", *words], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_the_list_has_the_numbers_of_every_models_first_row() -> None:
    lines = {line.split()[0]: line for line in run().splitlines()}
    for name, entry in MODELS.items():
        row = next(row for row in read_table() if row.model == name)
        assert entry.paper in lines[name]
        assert f"{row.tflite_bytes / 1024:,.0f} KiB" in lines[name]
        assert f"{row.arena_bytes_32bit / 1024:,.0f} KiB" in lines[name]


def test_json_has_the_documented_keys_and_every_variant() -> None:
    listed = json.loads(run("--json"))["models"]
    assert [model["name"] for model in listed] == list(MODELS)
    for model in listed:
        assert {"name", "task", "params", "macs", "paper", "variants"} <= model.keys()
        rows = [row for row in read_table() if row.model == model["name"]]
        assert [variant["name"] for variant in model["variants"]] == [row.name for row in rows]
        assert (model["params"], model["macs"]) == (rows[0].params, rows[0].macs)


def test_one_models_json_is_its_entry_of_the_list() -> None:
    (alone,) = json.loads(run("unet4", "--json"))["models"]
    assert alone in json.loads(run("--json"))["models"]


def test_the_list_needs_no_tensorflow() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from keras_tiny.cli import app;"
        "CliRunner().invoke(app, ['models', '--json'], catch_exceptions=False);"
        "sys.exit(any(name.split('.')[0] in ('tensorflow', 'tf_keras', 'keras') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_name_is_answered_with_near_names() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean mobilenet_v2"):
        run("mobilnet_v2")


def test_a_word_that_is_no_argument_is_refused_before_anything_is_built() -> None:
    with pytest.raises(BadInput, match=r"Write NAME=VALUE"):
        run("unet4", "alpha")


def test_a_named_model_shows_its_variants_and_its_layers_with_their_sums() -> None:
    require("module:tensorflow")
    said = run("unet4", "alpha=16", "num_classes=1", "input_shape=32x32x3")
    assert "unet4-alpha8-256" in said
    assert "unet4(input_shape=(32, 32, 3), num_classes=1, alpha=16)" in said
    (total,) = [line.split() for line in said.splitlines() if line.startswith("total")]
    layers = said[said.index("unet4(input_shape") :].splitlines()
    macs = [line.split()[-1] for line in layers if "Conv2D" in line]
    assert sum(int(number.replace(",", "")) for number in macs) == int(total[2].replace(",", ""))
