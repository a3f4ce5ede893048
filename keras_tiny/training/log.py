"""The run's log: one JSON object per line, flushed to disk as it happens."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch did.

    Attributes:
        loss: mean over the epoch's training pictures.
        metric: name of the task's metric; `train_metric` is None where it is not known while training.
        val_metric: the task's metric on the validation split, after the epoch.
        learning_rate: of the last step.
        train, val: every part of the loss and every metric by its name, means over the pictures; empty in the
            records of versions that did not have them.
        stolen_s: of `seconds`, those that a hypervisor took from this machine: why a rate is low.
    """

    phase: str
    epoch: int
    loss: float
    metric: str
    train_metric: float | None
    val_metric: float
    val_loss: float
    learning_rate: float
    seconds: float
    images_per_s: float
    train: dict[str, float] = field(default_factory=dict)
    val: dict[str, float] = field(default_factory=dict)
    stolen_s: float = 0.0


class RunLog:
    """`log.jsonl` of a run folder; a line cut off by a crash is dropped when it is read."""

    def __init__(self, path: Path):
        self.path = path

    def append(self, record: EpochRecord) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(record)) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> list[EpochRecord]:
        records = []
        if self.path.is_file():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                try:
                    records.append(EpochRecord(**json.loads(line)))
                except ValueError:
                    continue
        return records

    def rewrite_phase(self, phase: str, records: list[EpochRecord]) -> None:
        """Make the log say exactly these records of a phase, the other phases as they are."""
        others = [record for record in self.read() if record.phase != phase]
        order = {"float": 0, "qat": 1}
        kept = sorted([*others, *records], key=lambda record: (order.get(record.phase, 2), record.epoch))
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text("".join(json.dumps(asdict(record)) + "\n" for record in kept), encoding="utf-8")
        temporary.replace(self.path)
