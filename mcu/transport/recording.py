"""Record a wire: every read, write and look at the clock of a run, as lines of JSON that `replay://FILE` plays.

A line is `[what, value]`, or `[what, value, error]` with `[kind, message, hint]` for a call that failed. The first line
is an object that says whose recording it is.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import IO, Any

from mcu.errors import BadInput, KerasTinyError
from mcu.transport.opening import PortOpener
from mcu.transport.port import Port

FORMAT_VERSION = 1


class RecordingOpener(PortOpener):
    """A `PortOpener` that writes down what goes over its ports. Close it, or use `with`.

    Args:
        url, baud: as `PortOpener` takes them.
        path: of the recording; what is there is replaced.
        head: whose recording it is, for the replay's report: names and texts.

    Raises:
        BadInput: the file cannot be written; see also `PortOpener`.
    """

    def __init__(self, url: str, *, baud: int | None, path: Path, head: dict[str, str]):
        super().__init__(url, baud=baud)
        self._path = path
        try:
            self._file: IO[str] = path.open("w", encoding="utf-8")
        except OSError as error:
            raise BadInput(
                f"The recording {path} cannot be written: {error.strerror}.", hint="Name another file."
            ) from None
        self._write({"format_version": FORMAT_VERSION, **head})

    def open(self, *, timeout_s: float = 0.0) -> Port:
        try:
            port = super().open(timeout_s=timeout_s)
        except KerasTinyError as error:
            self.add("open", None, error)
            raise
        self.add("open", {"name": port.name, "line_bytes_per_s": port.line_bytes_per_s})
        return RecordingPort(port, self)

    def clock(self) -> float:
        now_s = super().clock()
        self.add("clock", now_s)
        return now_s

    def nonce(self) -> int:
        nonce = super().nonce()
        self.add("nonce", nonce)
        return nonce

    def close(self) -> None:
        """End the recording; may be called twice."""
        self._file.close()

    def __enter__(self) -> RecordingOpener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, what: str, value: Any, error: KerasTinyError | None = None) -> None:
        """Write one event down."""
        told = [] if error is None else [[type(error).__name__, error.message, error.hint]]
        self._write([what, value, *told])

    def _write(self, line: Any) -> None:
        try:
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        except OSError as error:
            raise BadInput(f"The recording {self._path} cannot be written: {error.strerror}.") from None


class RecordingPort(Port):
    """An open port whose traffic is written down.

    Args:
        port: the real one, or one that misbehaves: the recording has what reached the host.
        log: where to.
    """

    def __init__(self, port: Port, log: RecordingOpener):
        super().__init__(port._device)
        self._port, self._log = port, log

    @property
    def line_bytes_per_s(self) -> float | None:
        return self._port.line_bytes_per_s

    @property
    def baud(self) -> int | None:
        """None: a replay could not tell at which rate a byte came."""
        return None

    def read(self, *, timeout_s: float) -> bytes:
        try:
            data = self._port.read(timeout_s=timeout_s)
        except KerasTinyError as error:
            self._log.add("read", "", error)
            raise
        self._log.add("read", to_text(data))
        return data

    def write(self, data: bytes, *, timeout_s: float) -> None:
        try:
            self._port.write(data, timeout_s=timeout_s)
        except KerasTinyError as error:
            self._log.add("write", to_text(data), error)
            raise
        self._log.add("write", to_text(data))

    def close(self) -> None:
        self._port.close()


def to_text(data: bytes) -> str:
    """Bytes → base64."""
    return base64.b64encode(data).decode()
