"""`blame`, `compare`, `gate` and `doctor` as a person or a CI calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keras_tiny.cli import app
from mcu.console import _exit_code
from tests.keras_tiny.blame.planting import PLANTS, planted
from tests.keras_tiny.blame.twins import twins_of
from tests.mcu.hil.digits_bundle import write_digits_bundle
from tests.support import require


def call(*words: object, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["keras-tiny", *map(str, words)])
    return _exit_code(app)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("module:tflite_micro")
    folder = tmp_path_factory.mktemp("files")
    twins = twins_of("residual_network")
    (folder / "sick.tflite").write_bytes(planted(twins.int8, PLANTS["corrupted_weights"], 2))
    (folder / "float.tflite").write_bytes(twins.float32)
    write_digits_bundle(folder / "bundle")
    return folder


def test_blame_names_the_bad_layer(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    words = ("blame", files / "sick.tflite", "--float", files / "float.tflite")
    assert call(*words, "--json", monkeypatch=monkeypatch) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["layers"][0]["layer"] == "project"
    assert call(*words, "--top", 2, monkeypatch=monkeypatch) == 0
    text = capsys.readouterr().out
    assert "project: " in text
    assert "weights are not the float model's" in text
    assert "On noise" in text


def test_blame_of_a_bundle_takes_its_pictures(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    assert call("blame", files / "bundle", monkeypatch=monkeypatch) == 0
    text = capsys.readouterr().out
    assert "On noise" not in text
    assert "The weights are the file's own" in text


def test_blame_takes_one_float_model_only(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    words = ("blame", files / "bundle", "--run", files, "--float", files / "float.tflite")
    assert call(*words, monkeypatch=monkeypatch) == 2
    assert "both name the float model" in capsys.readouterr().err


def test_compare_prints_both_sides(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    assert call("compare", files / "sick.tflite", files / "bundle", monkeypatch=monkeypatch) == 0
    text = capsys.readouterr().out
    assert "digits-linear (bundle)" in text
    assert "The graphs differ" in text


def test_a_gate_that_is_missed_answers_no_and_says_what_it_received(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    assert call("gate", files / "bundle", "--max-flash", 10, "--bit-exact", monkeypatch=monkeypatch) == 1
    lines = capsys.readouterr().out.splitlines()
    size = (files / "bundle" / "model.tflite").stat().st_size
    assert lines[0] == f"missed  flash_bytes (the int8 file) <= 10: received {size:,}"
    assert lines[1].startswith("missed  bit_exact")
    assert call("gate", files / "bundle", "--max-flash", size, "--json", monkeypatch=monkeypatch) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True


def test_doctor_has_a_line_for_every_check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    code = call("doctor", "--quick", "--json", monkeypatch=monkeypatch)
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert {"Python", "tensorflow", "Keras", "memory"} <= {check["name"] for check in checks}
    assert code == (0 if all(check["ok"] for check in checks) else 1)
    assert all(bool(check["fix"]) != check["ok"] for check in checks)
