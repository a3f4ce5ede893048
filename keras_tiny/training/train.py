"""`kt.train`: train a model that you built, in place, float or quantization-aware."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_tiny.data.sample import Dataset
from keras_tiny.keras_api import require_keras2_model
from keras_tiny.quantization import calibrate, is_quantized
from keras_tiny.quantization.calibrate import unset_ranges
from keras_tiny.recipe import AugmentPart, OptimizerPart, PhasePart, Recipe
from keras_tiny.tasks import task_for
from keras_tiny.tasks.task import Task
from keras_tiny.training.distillation import Distillation
from keras_tiny.training.log import EpochRecord, RunLog
from keras_tiny.training.loop import OnEpoch, train_phase
from keras_tiny.training.pipeline import calibration_images, prepare
from keras_tiny.training.seeds import seed_everything


@dataclass(frozen=True)
class TrainResult:
    """Attributes: val_metric: of the best epoch, whose weights the model now has; records: one per epoch.

    `metric` names it: accuracy, mean average precision, mean intersection over union.
    """

    metric: str
    val_metric: float
    best_epoch: int
    records: tuple[EpochRecord, ...]


def train(
    model: Any,
    data: Dataset,
    *,
    epochs: int = 30,
    batch_size: int = 32,
    learning_rate: float | None = None,
    optimizer: OptimizerPart | None = None,
    schedule: str = "cosine",
    augment: AugmentPart | None = None,
    label_smoothing: float = 0.0,
    seed: int = 0,
    log: str | Path | None = None,
    on_epoch: OnEpoch = lambda record: None,
) -> TrainResult:
    """Train a tf_keras model in place and leave the weights of its best validation epoch in it.

    Args:
        model: from `keras_tiny.models`, your own tf_keras model, or what `keras_tiny.quantize` made of either;
            a quantized model that was never calibrated is calibrated first, on training pictures.
        learning_rate: at its highest; 1e-3 by default, 1e-4 for a quantized model.
        log: file that gets one JSON line per epoch.

    Raises:
        BadInput: a Keras 3 model, or one whose shapes do not fit the data and its task.
        TrainingFailed: the loss is no longer finite; the best weights so far are in the model.
    """
    require_keras2_model(model, verb="train")
    task = task_for(model, data)
    rate = learning_rate if learning_rate is not None else default_rate(model)
    phase = PhasePart.model_validate({"epochs": epochs, "learning_rate": rate, "schedule": schedule})
    recipe = Recipe(
        batch_size=batch_size,
        optimizer=optimizer or OptimizerPart(),
        augment=augment or AugmentPart(),
        label_smoothing=label_smoothing,
        seed=seed,
    )
    return fit(model, task, data, recipe, phase, log=log, on_epoch=on_epoch)


def default_rate(model: Any) -> float:
    """1e-3 for a float model, 1e-4 for a quantized one."""
    return 1e-4 if is_quantized(model) else 1e-3


def fit(
    model: Any,
    task: Task,
    data: Dataset,
    recipe: Recipe,
    phase: PhasePart,
    *,
    lesson: Distillation | None = None,
    log: str | Path | None,
    on_epoch: OnEpoch,
) -> TrainResult:
    """One phase outside of a run folder, calibrated first where that is due; what `train` and `distill` share.

    Args:
        lesson: trains its pupil, and so the model, with a teacher.
    """
    run_log = RunLog(Path(log)) if log is not None else None

    def each_epoch(record: EpochRecord) -> None:
        if run_log is not None:
            run_log.append(record)
        on_epoch(record)

    seed_everything(recipe.seed)
    prepared = prepare(task, data)
    quantized = is_quantized(model)
    if quantized and unset_ranges(model):
        calibrate(model, calibration_images(prepared, recipe, task.spec))
    learner, taught = (model, task) if lesson is None else (lesson.pupil, lesson)
    name = "qat" if quantized else "float"
    result = train_phase(learner, taught, prepared, recipe, phase, name=name, on_epoch=each_epoch)
    return TrainResult(task.metric, result.best_val_metric, result.best_epoch, result.records)
