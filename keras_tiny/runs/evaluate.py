"""How good is a finished run on a split, and where is it wrong: metrics, and one picture of the worst mistakes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from keras_tiny.errors import BadInput
from keras_tiny.runs.folder import load_run
from keras_tiny.tasks.sheet import write_sheet
from keras_tiny.training.judge import compile_predict, predict_all
from keras_tiny.training.log import RunLog

Which = Literal["float", "qat"]
SplitName = Literal["train", "val", "test"]
MOST_MISTAKES = 24


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on a split.

    Attributes:
        metrics: each 0 to 1; a detector's with the baseline that a constant box sets.
        confusion: counts (classes, classes), rows are the truth; None for a task without.
        sheet: PNG of the worst mistakes; None if there are none.
    """

    run_dir: Path
    task: str
    metrics: dict[str, float]
    epochs: int
    seconds: float
    images_per_s: float
    confusion: np.ndarray | None
    labels: tuple[str, ...]
    sheet: Path | None


def evaluate(
    run_dir: str | Path, *, which: Which = "qat", split: SplitName = "test", out: str | Path | None = None
) -> Evaluation:
    """Run a finished model over a split of its own data.

    Args:
        which: the quantization-aware model, or the float one.
        out: folder for `mistakes.png`; `<run>/evaluate` by default.

    Raises:
        BadInput: not a finished run folder.
    """
    model, task, data = load_run(run_dir, quantized=which == "qat")
    prepared = task.prepare(getattr(data, split))
    started = time.perf_counter()
    answers = predict_all(compile_predict(model), task, prepared)
    seconds = time.perf_counter() - started
    if not all(np.isfinite(answer).all() for answer in answers):
        raise BadInput(f"The model of {run_dir} gives outputs that are not finite.", hint="Train it again.")
    folder = Path(out) if out is not None else Path(run_dir) / "evaluate"
    tiles = task.mistakes(answers, prepared, most=MOST_MISTAKES)
    return Evaluation(
        run_dir=Path(run_dir),
        task=data.task,
        metrics={**task.metrics(answers, prepared), **task.baseline(prepared)},
        epochs=len(RunLog(Path(run_dir) / "log.jsonl").read()),
        seconds=round(seconds, 2),
        images_per_s=round(len(prepared) / seconds, 1),
        confusion=task.confusion(answers, prepared),
        labels=data.labels,
        sheet=write_sheet(tiles, folder / "mistakes.png"),
    )
