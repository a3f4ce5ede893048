"""How a training run is shown: a line per epoch and a moving bar, on stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from keras_tiny.training.log import EpochRecord


class TrainingProgress:
    """Callbacks for `run_recipe`; use it in a `with` statement."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=self._console, transient=True, disable=not sys.stderr.isatty())
        self._task = self._bar.add_task("", total=None, visible=False)

    def __enter__(self) -> TrainingProgress:
        self._bar.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._bar.stop()

    def stage(self, text: str) -> None:
        self._console.print(f"[bold]{text}[/bold]")
        self._bar.reset(self._task, description="", visible=True)

    def step(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total)

    def epoch(self, record: EpochRecord) -> None:
        metric = record.metric.replace("_", " ")
        train = "" if record.train_metric is None else f"{record.train_metric:.1%} train, "
        self._console.print(
            f"  epoch {record.epoch + 1:3}  loss {record.loss:.4f}  {metric} {train}{record.val_metric:.1%} val  "
            f"{record.images_per_s:.0f} images/s"
        )
