"""One row: train, export, validate, through the commands that a person types; goes on where it was stopped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from keras_tiny.training.log import RunLog
from tests.benchmarks.results.tables import Row

BOARD = "virtual"


def run_row(row: Row, *, source: str, folder: Path, warm_start: Path | None = None) -> dict[str, Any]:
    """The figures of one row; from `row.json` in its folder if it was finished before.

    Args:
        source: of the data, as `--data` takes it.
        folder: of the row: `run/`, `bundle/`, `board/` and `row.json`.
        warm_start: run whose weights it starts from.
    """
    finished = folder / "row.json"
    if finished.is_file():
        return json.loads(finished.read_text(encoding="utf-8"))
    run, bundle, board = folder / "run", folder / "bundle", folder / "board"
    trained = train_row(row, source=source, run=run, warm_start=warm_start)
    exported = call("keras_tiny.cli", "export", str(run), "--out", str(bundle), "--name", row.name)
    validated = call(
        "mcu.cli", "validate", str(bundle), "--board", BOARD, "--data", source, "--out", str(board)
    )
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    metric = trained["metric"]
    figures = {
        "name": row.name,
        "recipe": row.recipe,
        "settings": list(row.settings),
        "warm_start": row.warm_start,
        "input": "x".join(str(side) for side in manifest["inputs"][0]["shape"][1:]),
        "params": exported["params"],
        "macs": exported["macs"],
        "tflite_bytes": exported["tflite_bytes"],
        "arena_bytes": exported["arena_bytes"],
        "metric": metric,
        **{which: trained["metrics"][which] for which in ("float", "ptq", "qat")},
        "board": validated["metrics"][metric],
        "samples": validated["samples"],
        "mismatched_samples": validated["mismatched_samples"],
        "epochs": trained["epochs"],
        "training_minutes": training_minutes(run),
    }
    finished.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return figures


def train_row(
    row: Row, *, source: str, run: Path, teacher: Path | None = None, warm_start: Path | None = None
) -> dict[str, Any]:
    """What `result.json` of the row's run says; trained now, or on from where it was stopped, if it is not there yet.

    Args:
        teacher: run folder; the row's network is then distilled, with the row's settings.
        warm_start: run folder whose weights it starts from.
    """
    if not (run / "result.json").is_file():
        words = ["train"] if teacher is None else ["distill", str(teacher)]
        words += ["--recipe", row.recipe, "--data", source, "--run-dir", str(run)]
        settings = [*row.settings, *([f"warm_start.run={warm_start}"] if warm_start is not None else [])]
        words += [word for setting in settings for word in ("--set", setting)]
        call("keras_tiny.cli", *words, *(["--resume"] if (run / "recipe.yaml").is_file() else []))
    return json.loads((run / "result.json").read_text(encoding="utf-8"))


def training_minutes(run: Path) -> float:
    """Wall time of the steps of a run's epochs, without validation and without what a hypervisor took away."""
    records = RunLog(run / "log.jsonl").read()
    return round(sum(record.seconds - record.stolen_s for record in records) / 60, 1)


def call(module: str, *arguments: str) -> dict[str, Any]:
    """A command of the package with `--json`, its progress on this terminal; the object that it prints.

    Raises:
        SystemExit: the command failed and has said why.
    """
    command = [sys.executable, "-c", f"from {module} import main; main()", *arguments, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.returncode)
    return json.loads(done.stdout)
