"""What a validation asks of the task; one subclass of `HilTask` per file, one line of this table."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcu.bundle import Manifest
    from mcu.hil.tasks.task import HilTask

__all__ = ["TASKS", "task_of"]

# A task that is not here is compared byte by byte, without metrics.
TASKS = {
    "classification": "mcu.hil.tasks.classification:ClassificationOnBoard",
    "detection": "mcu.hil.tasks.detection:DetectionOnBoard",
    "segmentation": "mcu.hil.tasks.segmentation:SegmentationOnBoard",
}


def task_of(manifest: Manifest) -> HilTask:
    """The task of a bundle."""
    module, _, name = TASKS.get(manifest.task, "mcu.hil.tasks.task:HilTask").partition(":")
    task: HilTask = getattr(import_module(module), name)(manifest)
    return task
