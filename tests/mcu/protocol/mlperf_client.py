"""A client of MLPerf Tiny's serial protocol with the rules of its runner, to hold boards against them.

One command at a time, `%` behind it; lines end in LF, CR and NUL are dropped, bytes that are no UTF-8 are left out; the
answer ends with the first line that contains `m-ready`. Data goes in lines of 31 bytes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from mcu.transport import Port

ANSWER_S, INFER_S = 5.0, 30.0
BYTES_PER_LINE = 31
NAME = re.compile(r"^m-(name)-dut-\[([^]]+)]$")
PROFILE = re.compile(r"^m-(model|profile)-\[([^]]+)]$")
LAP = re.compile(r"^m-lap-us-(\d+)$")
RESULTS = re.compile(r"^m-results-\[([^]]+)\]$")


@dataclass(frozen=True)
class Inferred:
    """What `infer` answered: the time between its laps, and the numbers."""

    us: int
    results: tuple[str, ...]


class MlperfClient:
    """A runner's end of the line.

    Attributes:
        heard: every line so far.
    """

    def __init__(self, port: Port):
        self._port = port
        self._pending = b""
        self.heard: list[str] = []

    def wait_for_board(self) -> bytes:
        """All that is heard until a board that starts answers empty commands; each has one m-ready."""
        said = self.drain()
        for _ in range(60):
            self._port.write(b"%", timeout_s=ANSWER_S)
            if heard := self.drain():
                return said + heard
        raise RuntimeError("The board does not start.")

    def drain(self, *, quiet_s: float = 0.3) -> bytes:
        """What a board says unasked, until it is quiet: its m-ready would answer the first command."""
        said, self._pending = self._pending, b""
        while part := self._port.read(timeout_s=quiet_s):
            said += part
        return said

    def command(self, text: str, *, timeout_s: float = ANSWER_S) -> list[str]:
        """The lines that answer a command, `m-ready` among them."""
        self._port.write(f"{text}%".encode(), timeout_s=timeout_s)
        end, lines = time.monotonic() + timeout_s, []
        while not lines or "m-ready" not in lines[-1]:
            while b"\n" not in self._pending:
                part = self._port.read(timeout_s=end - time.monotonic())
                if not part:
                    raise RuntimeError(f"No response to command {text}")
                self._pending += part
            line, _, self._pending = self._pending.partition(b"\n")
            lines.append(line.replace(b"\r", b"").replace(b"\0", b"").decode("utf-8", "ignore"))
        self.heard += lines
        return lines

    def one(self, pattern: re.Pattern[str], lines: Sequence[str]) -> str:
        """The last group of the only line that matches."""
        (found,) = [match for line in lines if (match := pattern.match(line))]
        return str(found.groups()[-1])

    def load(self, data: bytes) -> list[str]:
        """All answers to the commands that bring a sample."""
        lines = self.command(f"db load {len(data)}")
        for at in range(0, len(data), BYTES_PER_LINE):
            lines += self.command(f"db {data[at : at + BYTES_PER_LINE].hex()}")
        return lines

    def infer(self, iterations: int, warmup: int) -> Inferred:
        lines = self.command(f"infer {iterations} {warmup}", timeout_s=INFER_S)
        first, second = (int(match[1]) for line in lines if (match := LAP.match(line)))
        results = self.one(RESULTS, lines).rstrip(",").split(",")
        return Inferred(us=(second - first) & 0xFFFF_FFFF, results=tuple(results))
