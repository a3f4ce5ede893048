"""`virtual://BUNDLE[?arena=BYTES|engine=c|mlperf=ID|faults=…]`: start a virtual board's process and open its pty.

BUNDLE is a folder or a .tflite file, relative or absolute; `%3F` stands for a question mark in its name.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from typing import IO
from urllib.parse import parse_qsl, quote, unquote

import serial

from mcu import errors

SCHEME = "virtual://"
_START_S = 120.0  # Python, NumPy and TensorFlow Lite Micro, four boards at once, on a slow and busy machine
_STOP_S = 1.0
_OPTIONS = {"arena": "--arena", "engine": "--engine", "mlperf": "--mlperf"}
_ENGINES = ("tflm", "c")


def virtual_url(
    bundle: str | os.PathLike[str], *, arena_bytes: int | None = None, engine: str = "tflm"
) -> str:
    """The URL of a virtual board with this bundle or .tflite file.

    Args:
        arena_bytes: the model's memory; None: plenty.
        engine: "tflm", or "c" for the compiled engine, which brings its own arena.
    """
    options = [] if arena_bytes is None else [f"arena={arena_bytes}"]
    options += [] if engine == "tflm" else [f"engine={engine}"]
    query = f"?{'&'.join(options)}" if options else ""
    return f"{SCHEME}{quote(os.fspath(bundle))}{query}"


class Serial(serial.Serial):
    """A serial port whose board lives and dies with it."""

    _process: subprocess.Popen[bytes] | None = None
    _stderr: IO[bytes] | None = None

    def open(self) -> None:
        """Start the board's process and open its port.

        Raises:
            KerasTinyError: what the board's process found wrong with the bundle or the arena.
            LinkError: the process did not start.
            PortError: this system has no ptys.
        """
        url = self.port
        if os.name != "posix":
            raise errors.PortError(f"{url}: a virtual board needs a pty, which this system has not.")
        command = [sys.executable, "-m", "mcu.virtual", "--child", *_arguments(url)]
        # The same packages as here, however this process found them.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the port
        # Its own session: Ctrl-C on the terminal is for the host, which lets the board finish.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=environment,
            start_new_session=True,
        )
        try:
            self.portstr = self._wait_for_port()
            super().open()
        except BaseException:
            self._stop()
            raise

    def close(self) -> None:
        super().close()
        self._stop()

    @property
    def board_pid(self) -> int | None:
        """Process id of the board; None while the port is closed."""
        return self._process.pid if self._process else None

    def reset_board(self) -> None:
        """Press the board's reset button; its port stays."""
        from mcu.virtual.reset import RESET_SIGNAL

        if self._process is not None:
            self._process.send_signal(RESET_SIGNAL)

    def gone_because(self) -> str:
        """How the board's process ended; empty while it runs."""
        if self._process is None:
            return ""
        try:
            code = self._process.wait(timeout=0.2)  # the pty closes a moment before the process is gone
        except subprocess.TimeoutExpired:
            return ""
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        said = self._said()
        return f"the virtual board's process {self._process.pid} {how}{': ' + said if said else ''}"

    def _wait_for_port(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        line, end = b"", time.monotonic() + _START_S
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, end - time.monotonic()))
            part = os.read(self._process.stdout.fileno(), 4096) if ready else b""
            if not part:
                reason = self.gone_because() or f"the virtual board did not start in {_START_S:g} s"
                raise errors.LinkError(f"{self.port}: {reason}.")
            line += part
        fields = json.loads(line)
        if "error" in fields:
            raise _error(fields)
        return str(fields["port"])

    def _said(self) -> str:
        """The last line on the process's stderr."""
        if self._stderr is None:
            return ""
        self._stderr.seek(0)
        lines = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""

    def _stop(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()  # the board ends when it sees that
        process.stdout.close()
        try:
            process.wait(timeout=_STOP_S)
        except subprocess.TimeoutExpired:  # in the middle of a long inference
            process.kill()
            process.wait()
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None


def _arguments(url: str) -> list[str]:
    path, _, query = url[len(SCHEME) :].partition("?")
    if not path:
        raise errors.BadInput(f"{url} names no bundle.", hint="Write virtual://PATH/TO/BUNDLE.")
    arguments = []
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _OPTIONS:
            raise errors.BadInput(
                f"{url}: unknown option '{name}'.", hint=f"There is: {', '.join(sorted(_OPTIONS))}."
            )
        if name == "engine":
            if value not in _ENGINES:
                raise errors.BadInput(f"{url}: there is no engine '{value}'.", hint="Take tflm or c.")
        elif name != "mlperf" and not (value.isascii() and value.isdigit()):
            raise errors.BadInput(f"{url}: {name} is a number of bytes, not '{value}'.")
        arguments.append(f"{_OPTIONS[name]}={value}")
    return [*arguments, "--", unquote(path)]


def _error(fields: dict[str, str]) -> errors.KerasTinyError:
    """What the board's process reported, as the same kind of error here."""
    kind = getattr(errors, fields["kind"], errors.BoardError)
    error: errors.KerasTinyError = kind(fields["error"], hint=fields["hint"])
    return error
