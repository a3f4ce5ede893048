"""Errors that a person can act on: what happened, what was received, what to try; each knows its exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process answers (docs/reference/cli.md, Exit codes)."""

    DONE = 0
    NO = 1  # the answer is no: audit failed, not bit-exact, does not fit, gate missed
    USAGE = 2  # wrong usage or bad input
    BOARD = 3  # the board or the port failed
    MISSING_TOOL = 4  # a tool or an extra is missing
    INTERNAL = 70
    INTERRUPTED = 130


class KerasTinyError(Exception):
    """Base of every error of keras_tiny and mcu.

    Args:
        message: what happened and what was received.
        hint: what to try; empty if there is nothing to try.
    """

    exit_code: ExitCode = ExitCode.USAGE

    def __init__(self, message: str, *, hint: str = ""):
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class BadInput(KerasTinyError):
    """A value, file or option that cannot be used as it is."""


class BundleError(BadInput):
    """A bundle that is damaged, incomplete or of another format."""


class ModelFileError(BadInput):
    """Bytes that are not a usable .tflite file."""


class AnswerIsNo(KerasTinyError):
    """The question was understood and the answer is no (exit code 1)."""

    exit_code = ExitCode.NO


class BoardError(KerasTinyError):
    """The board or the port failed."""

    exit_code = ExitCode.BOARD


class PortError(BoardError):
    """A port that does not exist, is busy, or went away."""


class LinkError(BoardError):
    """The other end does not answer, or not in our protocol."""


class WrongModel(BoardError):
    """The board answers with the identity of another model."""


class MissingExtra(KerasTinyError):
    """An optional dependency or an external tool is missing; the hint is the line that installs it."""

    exit_code = ExitCode.MISSING_TOOL


def missing_extra(extra: str, *, needed_for: str) -> MissingExtra:
    """The error for a pip extra that is not installed, with the line that installs it."""
    return MissingExtra(
        f"{needed_for} needs the extra '{extra}', which is not installed.",
        hint=f"Install it with: pip install 'keras-tiny[{extra}]'",
    )
