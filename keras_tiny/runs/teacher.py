"""The teacher that a recipe names, put before its student."""

from __future__ import annotations

from typing import Any

from keras_tiny.errors import BadInput
from keras_tiny.recipe import Recipe
from keras_tiny.runs.folder import load_run
from keras_tiny.tasks.task import Task
from keras_tiny.training.distillation import Distillation


def with_teacher(student: Any, task: Task, recipe: Recipe) -> tuple[Any, Task]:
    """What to train, and as what: the student and its task, or, with a teacher, the pupil that shares its weights.

    Args:
        student: float or quantized.

    Raises:
        BadInput: the teacher's run is not finished, knows other classes or sizes, has no such maps; a
            precision that trains a twin instead of the student.
    """
    if not recipe.distill.teacher:
        return student, task
    if recipe.precision != "float32":
        raise BadInput(
            f"A student with a teacher trains in float32; precision is {recipe.precision}.",
            hint="Set precision=float32.",
        )
    teacher, _, data = load_run(recipe.distill.teacher, quantized=False)
    if data.labels != task.labels:
        raise BadInput(
            f"The teacher of {recipe.distill.teacher} knows other classes than the student's data, or in another order."
        )
    lesson = Distillation(task, student, teacher=teacher, part=recipe.distill)
    return lesson.pupil, lesson
