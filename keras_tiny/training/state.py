"""What a phase must remember to go on after a crash as if nothing had happened, and where it is kept."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from keras_tiny.training.checkpoint import load_arrays, pack, save_arrays, unpack
from keras_tiny.training.log import EpochRecord, RunLog
from keras_tiny.training.precision import optimizer_variables


class PhaseState:
    """Weights, optimizer, epoch, records and the best weights so far of one phase."""

    def __init__(self, model: Any, optimizer: Any, *, name: str):
        self.model = model
        self.optimizer = optimizer
        self.name = name
        self.records: list[EpochRecord] = []
        self.best_epoch = -1
        self.best_metric = -1.0
        self._best_weights: list[np.ndarray] = model.get_weights()

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return len(self.records)

    def end_epoch(self, record: EpochRecord) -> None:
        """Remember the epoch; of equally good epochs the later one is the best: it has seen more."""
        self.records.append(record)
        if record.val_metric >= self.best_metric:
            self.best_metric, self.best_epoch = record.val_metric, record.epoch
            self._best_weights = self.model.get_weights()

    def out_of_patience(self, patience: int | None) -> bool:
        return patience is not None and self.best_epoch >= 0 and self.epoch - 1 - self.best_epoch >= patience

    def use_best(self) -> None:
        """Put the weights of the best epoch (the first ones if none was finished) into the model."""
        self.model.set_weights(self._best_weights)

    def arrays(self) -> dict[str, np.ndarray]:
        facts = {
            "name": self.name,
            "records": [asdict(record) for record in self.records],
            "best_epoch": self.best_epoch,
            "best_metric": self.best_metric,
        }
        best = {f"best/{index:04d}": array for index, array in enumerate(self._best_weights)}
        return {
            "facts": np.frombuffer(json.dumps(facts).encode(), np.uint8),
            **pack(self.model.weights),
            **pack(optimizer_variables(self.optimizer), prefix="optimizer"),
            **best,
        }

    def restore(self, arrays: dict[str, np.ndarray], *, origin: str) -> None:
        unpack(arrays, self.model.weights, origin=origin)
        unpack(arrays, optimizer_variables(self.optimizer), origin=origin, prefix="optimizer")
        facts = json.loads(arrays["facts"].tobytes())
        self.records = [EpochRecord(**record) for record in facts["records"]]
        self.best_epoch, self.best_metric = facts["best_epoch"], facts["best_metric"]
        self._best_weights = [array for name, array in sorted(arrays.items()) if name.startswith("best/")]


class Store:
    """The state of a phase in a run folder: `<phase>.state.npz`, replaced as a whole after every epoch.

    Args:
        writes: False for a worker that only reads what the chief has written.
    """

    def __init__(self, folder: Path, log: RunLog, *, writes: bool = True):
        self._folder = folder
        self._log = log
        self._writes = writes

    def path(self, phase: str) -> Path:
        return self._folder / f"{phase}.state.npz"

    def save(self, state: PhaseState) -> None:
        arrays = state.arrays()  # on every worker: reading a variable that they share takes all of them
        if self._writes:
            save_arrays(self.path(state.name), arrays)
            self._log.append(state.records[-1])

    def restore(self, state: PhaseState) -> None:
        """Go on where the folder stands; a folder without state leaves the phase at its start."""
        path = self.path(state.name)
        if path.is_file():
            state.restore(load_arrays(path), origin=str(path))
            # The log is derived from the state: a line that was lost or is one too many is mended here.
            if self._writes:
                self._log.rewrite_phase(state.name, state.records)
