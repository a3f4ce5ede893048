"""A student that learns from a teacher: its task with the teacher's answers beside the truth, and maps to hold on to.

Nothing of it reaches the export: `pupil` shares the student's layers, so that the student itself is what is trained;
the 1x1 adapters between maps of different channels belong to the pupil alone. The teacher is a float model and does
not learn; the student may be float or quantized.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_tiny.data.sample import Split
from keras_tiny.errors import BadInput
from keras_tiny.keras_api import keras, tf
from keras_tiny.losses.distillation import attention_distance, soft_answers, squared_distance
from keras_tiny.recipe import DistillPart, Recipe
from keras_tiny.tasks.output_activation import as_logits, last_activation
from keras_tiny.tasks.sheet import Tile
from keras_tiny.tasks.task import Arrays, Finding, Objective, Prepared, Task
from keras_tiny.training.feature_maps import feature_maps, find_pairs

_TASKS = ("classification", "segmentation")  # whose first output is class scores


class Distillation(Task):
    """The student's task, taught.

    Attributes:
        pupil: the model to train instead of the student: its outputs, then its maps, adapted.
    """

    def __init__(self, task: Task, student: Any, *, teacher: Any, part: DistillPart):
        """Raises: BadInput: a task without class scores, a teacher of other pictures or classes, maps that cannot be
        paired; UnknownName: a layer that is not there."""
        _check_teacher(task, student, teacher)
        self.spec, self.labels = task.spec, task.labels
        self._task, self._part = task, part
        maps = find_pairs(part.pairs, teacher=feature_maps(teacher), student=feature_maps(student))
        self._ends_in = last_activation(teacher), last_activation(student)
        self._teacher = keras.Model(teacher.input, [teacher.outputs[0], *(ours for ours, _ in maps)])
        adapted = [_adapted(theirs, ours, part, at=at) for at, (ours, theirs) in enumerate(maps, start=1)]
        self.pupil = keras.Model(student.input, [student.outputs[0], *adapted], name=student.name)

    # What a class declares for its kind, an instance of this one takes from the task that it teaches.
    @property
    def name(self) -> str:  # type: ignore[override]
        return self._task.name

    @property
    def metric(self) -> str:  # type: ignore[override]
        return self._task.metric

    def prepare(self, split: Split) -> Prepared:
        return self._task.prepare(split)

    def batches(self, prepared: Prepared, *, recipe: Recipe, phase: str, epoch: int) -> tf.data.Dataset:
        """Targets: (those of the task, the teacher's outputs), the teacher seeing the same augmented pictures."""

        def ask(inputs: tf.Tensor, targets: Any) -> tuple[tf.Tensor, tuple[Any, tuple[tf.Tensor, ...]]]:
            answers = self._teacher(inputs, training=False)
            answers = answers if isinstance(answers, list | tuple) else [answers]
            return inputs, (targets, tuple(tf.cast(answer, tf.float32) for answer in answers))

        batches = self._task.batches(prepared, recipe=recipe, phase=phase, epoch=epoch)
        return batches.map(ask, num_parallel_calls=1, deterministic=True).prefetch(1)

    def targets(self, truths: tuple[tf.Tensor, ...]) -> Any:
        return self._task.targets(truths)

    def objective(self, recipe: Recipe, *, training: bool) -> Objective:
        """(1 - w) · the task's loss + w · softened answers + v · mean over the maps; in validation the first."""
        own = self._task.objective(recipe, training=training)
        part = self._part
        distance = attention_distance if part.feature_loss == "attention" else squared_distance

        def scalars(targets: Any, outputs: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
            if not training:
                return own(targets, outputs[:1])
            truth, taught = targets
            found = own(truth, outputs[:1])
            answers = [as_logits(o, e) for o, e in zip((taught[0], outputs[0]), self._ends_in, strict=True)]
            found["soft_loss"] = soft_answers(
                _resized(answers[0], like=answers[1]),
                answers[1],
                temperature=part.temperature,
                class_weights=self._task.class_weights(truth),
            )
            loss = (1 - part.answers_weight) * found["loss"] + part.answers_weight * found["soft_loss"]
            if part.pairs:
                distances = [distance(*maps) for maps in zip(taught[1:], outputs[1:], strict=True)]
                found["feature_loss"] = tf.add_n(distances) / len(distances)
                loss += part.feature_weight * found["feature_loss"]
            return {**found, "task_loss": found["loss"], "loss": loss}

        return scalars

    def answers(self, outputs: Arrays) -> Arrays:
        return self._task.answers(outputs[:1])

    def metrics(self, answers: Arrays, prepared: Prepared) -> dict[str, float]:
        return self._task.metrics(answers, prepared)

    def confusion(self, answers: Arrays, prepared: Prepared) -> np.ndarray | None:
        return self._task.confusion(answers, prepared)

    def mistakes(self, answers: Arrays, prepared: Prepared, *, most: int) -> list[Tile]:
        return self._task.mistakes(answers, prepared, most=most)

    def findings(self, answers: Arrays) -> list[Finding]:
        return self._task.findings(answers)

    def tile(self, image: np.ndarray, answers: Arrays, *, name: str) -> Tile:
        return self._task.tile(image, answers, name=name)


def _check_teacher(task: Task, student: Any, teacher: Any) -> None:
    if task.name not in _TASKS:
        raise BadInput(
            f"Distillation is for {' and '.join(_TASKS)}, this is {task.name}.",
            hint="A detector's boxes have no softened form.",
        )
    ours, theirs = teacher.outputs[0].shape, student.outputs[0].shape
    if teacher.input_shape[1:] != student.input_shape[1:]:
        raise BadInput(
            f"The teacher takes pictures of {teacher.input_shape[1:]}, the student of {student.input_shape[1:]}.",
            hint="Train the teacher at the student's size.",
        )
    if len(ours) != len(theirs) or ours[-1] != theirs[-1]:
        raise BadInput(
            f"The teacher answers with {ours[-1]} scores in {ours[1:]}, the student with {theirs[-1]} in {theirs[1:]}.",
            hint="Teacher and student must know the same classes.",
        )


def _adapted(student: Any, teacher: Any, part: DistillPart, *, at: int) -> Any:
    """The student's map with the teacher's channels; attention looks at no channel, so nothing is adapted for it."""
    if part.feature_loss == "attention" or student.shape[-1] == teacher.shape[-1]:
        return student
    return keras.layers.Conv2D(teacher.shape[-1], 1, name=f"distill_adapter{at}")(student)


def _resized(logits: tf.Tensor, *, like: tf.Tensor) -> tf.Tensor:
    """A teacher of whole masks may teach a student of smaller ones."""
    if logits.shape[1:] == like.shape[1:]:
        return logits
    return tf.image.resize(logits, like.shape[1:3])
