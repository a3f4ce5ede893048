"""Errors of the training side; the base and the exit codes are shared with `mcu`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from mcu.errors import AnswerIsNo, BadInput, KerasTinyError, MissingExtra, missing_extra

__all__ = [
    "AnswerIsNo",
    "AuditFailed",
    "BadInput",
    "DataError",
    "KerasTinyError",
    "MissingExtra",
    "TrainingFailed",
    "UnknownName",
    "missing_extra",
]


class DataError(BadInput):
    """A data set that is missing, damaged or does not fit the job."""


class TrainingFailed(KerasTinyError):
    """Training stopped on its own, e.g. on a loss that is not finite; the last good checkpoint is kept."""


class AuditFailed(AnswerIsNo):
    """A .tflite file that would not run on the board as int8; nothing was exported."""


class UnknownName(BadInput):
    """A name that is in no table; near names are offered."""

    def __init__(self, kind: str, name: str, known: Iterable[str]):
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(names)}."
        super().__init__(f"There is no {kind} named '{name}'.", hint=hint)
