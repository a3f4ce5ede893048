"""How good is a finished run on a split, and where is it wrong: metrics, and one picture of the worst mistakes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from keras_tiny.errors import BadInput
from keras_tiny.metrics.classification import accuracy, confusion_matrix, macro_f1, top_k_accuracy
from keras_tiny.runs.folder import load_run
from keras_tiny.runs.sheet import Tile, write_sheet
from keras_tiny.training.log import RunLog
from keras_tiny.training.loop import compile_predict, predict_all
from keras_tiny.training.pipeline import prepare

Which = Literal["float", "qat"]
SplitName = Literal["train", "val", "test"]


@dataclass(frozen=True)
class Evaluation:
    """Attributes: metrics: each 0 to 1; confusion: counts (classes, classes), rows are the truth; sheet: a PNG."""

    run_dir: Path
    task: str
    metrics: dict[str, float]
    epochs: int
    seconds: float
    images_per_s: float
    confusion: np.ndarray
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
    model, data, _ = load_run(run_dir, quantized=which == "qat")
    prepared = prepare(data)
    pictures = getattr(prepared, split)
    started = time.perf_counter()
    outputs = predict_all(compile_predict(model), pictures.images, prepared)
    seconds = time.perf_counter() - started
    if not np.isfinite(outputs).all():
        raise BadInput(f"The model of {run_dir} gives outputs that are not finite.", hint="Train it again.")
    predicted = outputs.argmax(axis=1)
    confusion = confusion_matrix(pictures.labels, predicted, num_classes=data.num_classes)
    metrics = {"accuracy": accuracy(pictures.labels, predicted), "macro_f1": macro_f1(confusion)}
    if data.num_classes > 3:
        metrics["top_3_accuracy"] = top_k_accuracy(pictures.labels, outputs, k=3)
    folder = Path(out) if out is not None else Path(run_dir) / "evaluate"
    return Evaluation(
        run_dir=Path(run_dir),
        task=data.task,
        metrics=metrics,
        epochs=len(RunLog(Path(run_dir) / "log.jsonl").read()),
        seconds=round(seconds, 2),
        images_per_s=round(len(pictures) / seconds, 1),
        confusion=confusion,
        labels=data.labels,
        sheet=write_sheet(
            _mistakes(pictures.images, pictures.labels, outputs, data.labels), folder / "mistakes.png"
        ),
    )


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities over the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def _mistakes(
    images: np.ndarray, truth: np.ndarray, outputs: np.ndarray, labels: tuple[str, ...], *, most: int = 24
) -> list[Tile]:
    """The wrong answers that the model was surest of, the surest first."""
    scores = softmax(outputs)
    predicted = scores.argmax(axis=1)
    wrong = np.flatnonzero(predicted != truth)
    surest = wrong[np.argsort(-scores[wrong, predicted[wrong]], kind="stable")][:most]
    return [
        Tile(images[i], f"{labels[predicted[i]]} {scores[i, predicted[i]]:.0%}\nis {labels[truth[i]]}")
        for i in surest
    ]
