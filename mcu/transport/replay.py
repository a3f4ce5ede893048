"""`replay://FILE`: play a recorded wire; the host must say what it said then, and hears what it heard then."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from mcu import errors
from mcu.errors import BadInput, KerasTinyError
from mcu.transport.opening import PortOpener
from mcu.transport.port import Port, PortGone
from mcu.transport.recording import FORMAT_VERSION

SCHEME = "replay://"
_SHOWN_BYTES = 12


class ReplayDiverged(BadInput):
    """The host does something else than it did when the recording was made."""


class ReplayOpener(PortOpener):
    """Stands for the board, the port and the clock of a recorded run.

    Args:
        path: of the recording.

    Raises:
        BadInput: it cannot be read, or is no recording.

    Attributes:
        head: what the recording says of itself.
    """

    def __init__(self, path: Path):
        self._path = path
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            raise BadInput(f"The recording {path} cannot be read: {error}.") from None
        self._lines = iter(enumerate(lines, start=1))
        self._number = 0
        self._failure: ReplayDiverged | None = None
        self.head: dict[str, str] = self._parse(next(self._lines, (1, "")), dict)
        if self.head.get("format_version") != FORMAT_VERSION:
            raise BadInput(f"{path} is not a recording of format version {FORMAT_VERSION}.")

    def open(self, *, timeout_s: float = 0.0) -> Port:
        return ReplayPort(self.next("open"), self)

    def clock(self) -> float:
        return float(self.next("clock"))

    def nonce(self) -> int:
        return int(self.next("nonce"))

    def has_other_rate(self, port: Port) -> bool:
        return False

    def next(self, what: str, *, expected: bytes | None = None) -> Any:
        """The value of the next event, which must be this one.

        Args:
            expected: what the host writes; it must be what it wrote then.

        Raises:
            ReplayDiverged: it is another one.
            KerasTinyError: what the call raised when it was recorded.
        """
        if self._failure is not None:  # closing what is open must not hide the first difference
            raise self._failure
        event = self._parse(next(self._lines, (self._number + 1, "")), list)
        if not 2 <= len(event) <= 3 or event[0] != what:
            there = f"'{event[0]}'" if event else "no more"
            raise self._diverged(f"comes {there}, the host wants to {what}")
        if expected is not None and (then := from_text(event[1])) != expected:
            at = next((i for i, (a, b) in enumerate(zip(then, expected, strict=False)) if a != b), len(then))
            shown = slice(at, at + _SHOWN_BYTES)
            raise self._diverged(
                f"the host wrote {then[shown].hex(' ')} at byte {at} of {len(then)}, "
                f"and writes {expected[shown].hex(' ')} now"
            )
        if len(event) == 3:
            raise _error(*event[2])
        return event[1]

    def _parse(self, numbered: tuple[int, str], kind: type) -> Any:
        self._number, line = numbered
        if not line and kind is list:
            return []
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if not isinstance(value, kind):
            raise BadInput(f"Line {self._number} of {self._path} is none of a recording.")
        return value

    def _diverged(self, how: str) -> ReplayDiverged:
        self._failure = ReplayDiverged(
            f"The replay leaves the recording at line {self._number} of {self._path}: {how}.",
            hint="Replay with the same bundle, data, options and release that were recorded.",
        )
        return self._failure


class ReplayPort(Port):
    """A port as it was then."""

    def __init__(self, facts: dict[str, Any], log: ReplayOpener):
        self._facts, self._log = facts, log

    @property
    def name(self) -> str:
        return str(self._facts["name"])

    @property
    def line_bytes_per_s(self) -> float | None:
        rate: float | None = self._facts["line_bytes_per_s"]
        return rate

    @property
    def baud(self) -> int | None:
        return None

    @property
    def board_pid(self) -> int | None:
        return None

    @property
    def can_reset_board(self) -> bool:
        return False

    def read(self, *, timeout_s: float) -> bytes:
        return from_text(self._log.next("read"))

    def write(self, data: bytes, *, timeout_s: float) -> None:
        self._log.next("write", expected=data)

    def close(self) -> None:
        """Nothing is open."""


def from_text(text: str) -> bytes:
    """base64 → bytes."""
    return base64.b64decode(text)


def _error(kind: str, message: str, hint: str) -> KerasTinyError:
    known = PortGone if kind == "PortGone" else getattr(errors, kind, errors.PortError)
    error: KerasTinyError = known(message, hint=hint)
    return error
