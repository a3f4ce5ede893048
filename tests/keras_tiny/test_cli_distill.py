"""`keras-tiny distill` writes its options into the recipe."""

from __future__ import annotations

import pytest
import yaml
from typer.testing import CliRunner

from keras_tiny.cli import app
from mcu.errors import BadInput

COMMAND = ["distill", "runs/teacher", "--recipe", "digits_demo", "--dry-run"]


def test_a_dry_run_prints_the_recipe_with_its_teacher():
    pairs = ["--pair", "dec1:up1", "--pair", "dec2:up2", "--feature-loss", "attention", "--temperature", "2"]
    done = CliRunner().invoke(app, [*COMMAND, "--data", "folders:elsewhere", *pairs])
    assert done.exit_code == 0, done.output
    recipe = yaml.safe_load(done.stdout)
    assert recipe["data"]["source"] == "folders:elsewhere"
    assert recipe["distill"] == {
        "teacher": "runs/teacher",
        "temperature": 2.0,
        "answers_weight": 0.5,
        "pairs": [["dec1", "up1"], ["dec2", "up2"]],
        "feature_loss": "attention",
        "feature_weight": 1.0,
    }


@pytest.mark.parametrize("pair", ["dec1", ":up1", "a:b:c"])
def test_a_pair_that_is_none_is_refused(pair: str):
    done = CliRunner().invoke(app, [*COMMAND, "--pair", pair])
    assert isinstance(done.exception, BadInput)
    assert "--pair takes teacher:student" in str(done.exception)
