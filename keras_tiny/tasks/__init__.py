"""What a task needs from a training run: its batches, its loss, its metrics, and how its answers are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_tiny.registry import Entry, Registry

if TYPE_CHECKING:
    from keras_tiny.data.sample import Dataset
    from keras_tiny.tasks.task import Task

__all__ = ["TASKS", "task_for"]

TASKS = Registry(
    "task",
    {
        "classification": Entry("keras_tiny.tasks.classification:Classification"),
        "detection": Entry("keras_tiny.tasks.detection:Detection"),
        "segmentation": Entry("keras_tiny.tasks.segmentation:Segmentation"),
    },
)


def task_for(model: Any, data: Dataset) -> Task:
    """The task of the data set, for this model, float or quantized.

    Raises:
        UnknownName: a task that is in no table.
        BadInput: the model does not take these pictures or does not answer with what the task needs.
    """
    task: Task = TASKS.load(data.task)(model, spec=data.preprocessing, labels=data.labels)
    return task
