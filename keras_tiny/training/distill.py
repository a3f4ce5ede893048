"""`kt.distill`: train a student that you built, in place, with a teacher beside the truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from keras_tiny.data.sample import Dataset
from keras_tiny.keras_api import require_keras2_model
from keras_tiny.recipe import AugmentPart, DistillPart, OptimizerPart, PhasePart, Recipe
from keras_tiny.tasks import task_for
from keras_tiny.training.distillation import Distillation
from keras_tiny.training.loop import OnEpoch
from keras_tiny.training.train import TrainResult, default_rate, fit


def distill(
    student: Any,
    data: Dataset,
    *,
    teacher: Any,
    pairs: Sequence[tuple[str, str]] = (),
    temperature: float = 4.0,
    answers_weight: float = 0.5,
    feature_loss: Literal["l2", "attention"] = "l2",
    feature_weight: float = 1.0,
    epochs: int = 30,
    batch_size: int = 32,
    learning_rate: float | None = None,
    optimizer: OptimizerPart | None = None,
    schedule: str = "cosine",
    augment: AugmentPart | None = None,
    seed: int = 0,
    log: str | Path | None = None,
    on_epoch: OnEpoch = lambda record: None,
) -> TrainResult:
    """Train the student in place and leave the weights of its best validation epoch in it; the teacher stays as it is.

    Args:
        student: a float or quantized tf_keras model with one output.
        teacher: a trained float tf_keras model of the same input and classes; one built with `return_features=True`
            offers only the maps that it returns.
        pairs: (teacher's layer, student's layer) whose maps, of one height and width, are held against each other;
            a quantized student's layers are named as the float one's.
        temperature, answers_weight, feature_loss, feature_weight: see `keras_tiny.recipe.DistillPart`.
        learning_rate: at its highest; 1e-3 by default, 1e-4 for a quantized student.

    Raises:
        BadInput: models of other pictures or classes, maps that cannot be paired (the message lists pairs that can).
        UnknownName: a layer that is not there.
        TrainingFailed: the loss is no longer finite; the best weights so far are in the student.
    """
    require_keras2_model(student, verb="train")
    require_keras2_model(teacher, verb="learn from")
    part = DistillPart.model_validate(
        {
            "temperature": temperature,
            "answers_weight": answers_weight,
            "pairs": tuple(pairs),
            "feature_loss": feature_loss,
            "feature_weight": feature_weight,
        }
    )
    task = task_for(student, data)
    rate = learning_rate if learning_rate is not None else default_rate(student)
    phase = PhasePart.model_validate({"epochs": epochs, "learning_rate": rate, "schedule": schedule})
    recipe = Recipe(
        batch_size=batch_size,
        optimizer=optimizer or OptimizerPart(),
        augment=augment or AugmentPart(),
        distill=part,
        seed=seed,
    )
    lesson = Distillation(task, student, teacher=teacher, part=part)
    return fit(student, task, data, recipe, phase, lesson=lesson, log=log, on_epoch=on_epoch)
