"""A user's own package adds a model, a data set and a board: listed, named, trained, validated like the garden's."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.fixtures import ACME
from tests.support import require

pytestmark = pytest.mark.xdist_group("acme-garden")  # which is installed once
PAGE = Path(__file__).parents[2] / "docs/how_to/write_a_plugin.md"


def command(program: str, *words: object, site: Path, cwd: Path | None = None) -> Any:
    """The JSON that `keras-tiny` or `mcu` prints where `site` is among the installed packages."""
    package = {"keras-tiny": "keras_tiny.cli", "mcu": "mcu.cli"}[program]
    done = subprocess.run(
        [sys.executable, "-c", f"from {package} import main; main()", *map(str, words), "--json"],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(site), "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr
    assert "error:" not in done.stderr
    return json.loads(done.stdout)


def test_its_model_is_listed_behind_the_garden(acme_site: Path):
    listed = command("keras-tiny", "models", site=acme_site)["models"]
    assert listed[0]["name"] == "mobilenet_v1"
    (acme,) = [model for model in listed if model["name"] == "acme_net"]
    assert (acme["task"], acme["paper"]) == ("classification", "Acme, internal report 7")
    assert acme["params"] is None, "keras-tiny measured nothing of it"


def test_its_board_is_listed_and_judged(acme_site: Path, tmp_path: Path):
    require("module:tflite_micro")
    from tests.mcu.hil.digits_bundle import write_digits_bundle

    listed = {board["id"]: board for board in command("mcu", "boards", site=acme_site)["boards"]}
    assert listed["acme_f405"]["ram_bytes"] == 131_072
    assert "nucleo_f446re" in listed
    write_digits_bundle(tmp_path / "bundle")
    (verdict,) = command(
        "mcu", "fits", tmp_path / "bundle", "--board", "acme_f405", "--engine", "c", site=acme_site
    )["verdicts"]
    assert verdict["board"] == "acme_f405"
    assert verdict["fits"]


def test_its_data_set_is_loaded_by_name(acme_site: Path, monkeypatch: pytest.MonkeyPatch):
    from keras_tiny import data

    monkeypatch.syspath_prepend(acme_site)
    stripes = data.load("acme_stripes", image_size=16)
    assert (len(stripes.train), stripes.labels) == (96, ("lying", "standing"))
    assert stripes.input_shape == (16, 16, 1)
    data.check(stripes)
    assert (stripes.test[0].image == stripes.test[0].image).all()


def test_its_names_are_offered_for_typing_errors(acme_site: Path, monkeypatch: pytest.MonkeyPatch):
    from keras_tiny import data, models
    from keras_tiny.errors import UnknownName
    from mcu.boards import get_board
    from mcu.errors import BadInput

    monkeypatch.syspath_prepend(acme_site)
    with pytest.raises(UnknownName, match="Did you mean acme_net"):
        models.build("acme_nett", num_classes=2)
    with pytest.raises(UnknownName, match="Did you mean acme_stripes"):
        data.load("acme_stripe")
    with pytest.raises(BadInput, match="Did you mean acme_f405"):
        get_board("acme_f40")


def test_the_garden_s_own_names_are_found_without_a_look_at_other_packages(acme_site: Path):
    code = (
        "from keras_tiny import data, models; from mcu.boards import get_board; from mcu import plugins;"
        "models.MODELS['unet5']; 'digits' in data.SOURCES; get_board('virtual');"
        "assert plugins._plugins.cache_info().misses == 0;"
        "'acme_net' in models.MODELS; assert plugins._plugins.cache_info().misses == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": str(acme_site)})


def test_the_page_prints_the_files_of_this_package():
    printed = re.findall(r"```(?:toml|python)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(printed) == 5
    for path, text in zip(
        ("pyproject.toml", "rows.py", "nets.py", "stripes.py", "boards/acme_f405.toml"), printed, strict=True
    ):
        file = ACME / path if path == "pyproject.toml" else ACME / "acme_garden" / path
        assert file.read_text(encoding="utf-8") == text, path


@pytest.mark.slow
def test_the_commands_of_the_page_train_it_and_the_virtual_board_answers_bit_for_bit(
    acme_site: Path, tmp_path: Path
):
    require("module:tensorflow")
    require("module:tflite_micro")
    (commands,) = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    environment = {**os.environ, "PYTHONPATH": str(acme_site), "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["sh", "-e"], input=commands, cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "48/48 samples bit-exact" in done.stdout
    run = json.loads((tmp_path / "build" / "acme-hil-virtual" / "hil_run.json").read_text())
    assert run["metrics"]["accuracy"] >= 0.9
