"""`keras-tiny evaluate` and `predict` on a finished run: the same model, the same figures as when it was trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from keras_tiny.data import load

pytestmark = pytest.mark.xdist_group("trained_run")  # one worker, so that the run is made once


def test_evaluate_finds_on_the_validation_split_what_the_best_epoch_was_chosen_by(
    cli, run_dir: Path, tmp_path: Path
):  # type: ignore[no-untyped-def]
    answer = cli(
        "keras-tiny", "evaluate", run_dir, "--which", "float", "--split", "val", "--out", tmp_path, "--json"
    )
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    epochs = [json.loads(line) for line in (run_dir / "log.jsonl").read_text().splitlines()]
    best = max(epoch["val"]["accuracy"] for epoch in epochs if epoch["phase"] == "float")
    assert found["metrics"]["accuracy"] == best
    assert set(found) == {"run_dir", "task", "metrics", "epochs", "seconds", "images_per_s"}
    assert (tmp_path / "mistakes.png").is_file()


def test_predict_says_one_class_per_picture_of_a_folder_and_draws_them(cli, run_dir: Path, tmp_path: Path):  # type: ignore[no-untyped-def]
    digits = load("digits").test
    for index in range(2):
        Image.fromarray(digits[index].image[:, :, 0]).save(tmp_path / f"{index}.png")
    sheet = tmp_path / "out" / "sheet.png"
    answer = cli("keras-tiny", "predict", run_dir, tmp_path, "--which", "float", "--sheet", sheet, "--json")
    assert answer.code == 0, answer.err
    rows = json.loads(answer.out)["predictions"]
    assert [Path(row["source"]).name for row in rows] == ["0.png", "1.png"]
    assert all(row["label"] in "0123456789" and 0 < row["score"] <= 1 and row["box"] is None for row in rows)
    assert sheet.is_file()
