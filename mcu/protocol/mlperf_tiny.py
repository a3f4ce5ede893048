"""MLPerf Tiny's serial protocol, the device's side: bytes in, bytes out (docs/reference/mlperf_tiny.md).

Commands are text that `%` ends, answers are lines, the last of them `m-ready`. What to say where MLPerf's own device
crashes, overflows or stays silent is ours.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from math import prod

import numpy as np

from mcu.engine import Engine
from mcu.protocol.mlperf_model import MlperfModel

VENDOR = "keras-tiny"
PROFILE = "ULPMark for tinyML Firmware V0.0.1"
HELP = "name, timestamp, profile, help, db load N, db HH.., db print, infer [N [W]], results"
MAX_COMMAND_BYTES = 80
DEFAULT_ITERATIONS, DEFAULT_WARMUP = 1, 10
_END = ord("%")
_BYTES_PER_LINE = 8
_MAX_NUMBER = 0xFFFF_FFFF
_MAX_REASON = 64


class MlperfTiny:
    """A device that speaks this protocol: `feed` it what the host sends, send the host what it returns.

    Args:
        engine: runs the model.
        model: how to present it.
        clock_ns: a clock that only goes up.
    """

    def __init__(
        self, engine: Engine, *, model: MlperfModel, clock_ns: Callable[[], int] = time.perf_counter_ns
    ):
        self._engine = engine
        self._model = model
        self._clock_ns = clock_ns
        self._begin_ns = clock_ns()
        self._command = bytearray()  # one byte more than fits tells that it is too long
        self._input = bytearray(sum(spec.nbytes for spec in engine.inputs))
        self._expected = 0  # bytes that `db load` announced, 0 before the first; more than fit were refused
        self._loaded = 0
        self._outputs: tuple[np.ndarray, ...] | None = None
        self._said: list[str] = []

    def feed(self, data: bytes) -> bytes:
        """Everything the device answers to these bytes; runs the model when they ask for it."""
        for byte in data:
            if byte == _END:
                self._obey(self._command.decode("ascii"))
                self._command.clear()
                self._say("m-ready")
            elif 0x20 <= byte <= 0x7E and len(self._command) <= MAX_COMMAND_BYTES:
                self._command.append(byte)
        answer = "".join(f"{line}\r\n" for line in self._said)
        self._said.clear()
        return answer.encode("ascii", "replace")

    def end_command(self) -> None:
        """Forget half a command: another protocol has the line."""
        self._command.clear()

    def forget_results(self) -> None:
        """The model has run for somebody else."""
        self._outputs = None

    def _say(self, line: str) -> None:
        self._said.append(line)

    def _obey(self, command: str) -> None:
        if len(command) > MAX_COMMAND_BYTES:
            self._say(f"e-[Command exceeds {MAX_COMMAND_BYTES} characters]")
            return
        name, *words = command.split() or [""]
        if name == "name":
            self._say(f"m-name-dut-[{VENDOR}]")
        elif name == "timestamp":
            self._say_lap(self._clock_ns())
        elif name == "profile":
            self._say(f"m-profile-[{PROFILE}]")
            self._say(f"m-model-[{self._model.id}]")
        elif name == "help":
            self._say(HELP)
        elif name == "db":
            self._on_db(words)
        elif name == "infer":
            self._on_infer(words)
        elif name == "results":
            self._say_results()
        elif name:
            self._say(f"e-[Unknown command: {name}]")

    def _on_db(self, words: list[str]) -> None:
        if not words:
            self._say("e-[Command 'db' requires a subcommand]")
        elif words[0] == "load":
            self._on_load(words[1:])
        elif words[0] == "print":
            shown = self._input[: self._expected] if self._expected <= len(self._input) else b""
            for at in range(0, len(shown), _BYTES_PER_LINE):
                self._say(f"m-buffer-{shown[at : at + _BYTES_PER_LINE].hex('-')}")
        else:
            self._on_hex(words[0])

    def _on_load(self, words: list[str]) -> None:
        if not words:
            self._say("e-[Command 'db load' requires the # of bytes]")
            return
        count = _number(words[0])
        if count <= 0:
            self._say("e-[Command 'db load' must be >0 bytes]")
            return
        self._expected, self._loaded = count, 0
        self._input[:] = bytes(len(self._input))
        if count > len(self._input):
            self._say(f"e-[Supplied buffer size {count} exceeds maximum of {len(self._input)}]")
        else:
            self._say(f"m-[Expecting {count} bytes]")

    def _on_hex(self, digits: str) -> None:
        if len(digits) % 2:
            self._say("e-[Insufficent number of hex digits]")
            return
        if self._loaded >= self._expected or self._expected > len(self._input):
            self._say("e-[No bytes are expected; begin with 'db load']")
            return
        pairs = [digits[at : at + 2] for at in range(0, len(digits), 2)][: self._expected - self._loaded]
        for pair in pairs:  # all before any: a line that is refused may be sent again
            if not re.fullmatch("[0-9A-Fa-f]{2}", pair):
                self._say(f"e-[Invalid hex digit '{pair}']")
                return
        self._input[self._loaded : self._loaded + len(pairs)] = bytes.fromhex("".join(pairs))
        self._loaded += len(pairs)
        if self._loaded == self._expected:
            self._say("m-load-done")

    def _on_infer(self, words: list[str]) -> None:
        iterations = _number(words[0]) if words else DEFAULT_ITERATIONS
        warmup = _number(words[1]) if len(words) > 1 else DEFAULT_WARMUP
        if iterations <= 0:
            self._say("e-[Inference iterations must be >0]")
            return
        if warmup < 0:
            self._say("e-[Inference warmup must be >=0]")
            return
        if self._expected and self._loaded != len(self._input):
            self._say(f"e-[The model takes {len(self._input)} bytes, {self._loaded} are loaded]")
            return
        try:
            self._say(f"m-warmup-start-{warmup}")
            self._run(warmup)
            self._say("m-warmup-done")
            self._say(f"m-infer-start-{iterations}")
            begin_ns = self._clock_ns()
            self._run(iterations)
            end_ns = self._clock_ns()
        except Exception as error:  # whatever the engine is, its failure is an answer and the board lives on
            self._say(f"e-[{' '.join(str(error).split())[:_MAX_REASON]}]")
            return
        self._say_lap(begin_ns)
        self._say_lap(end_ns)
        self._say("m-infer-done")
        self._say_results()

    def _run(self, count: int) -> None:
        """The inputs anew before each run, as on a board, whose model may overwrite them."""
        self._outputs = None if count else self._outputs
        row, arrays, at = np.frombuffer(bytes(self._input), np.uint8), [], 0
        for spec in self._engine.inputs:
            here = row[at : at + spec.nbytes] ^ np.uint8(self._model.flip if spec.dtype == "int8" else 0)
            arrays.append(here.view(spec.dtype).reshape(spec.shape))
            at += spec.nbytes
        for _ in range(count):
            self._outputs = self._engine.invoke(arrays)

    def _say_lap(self, now_ns: int) -> None:
        self._say(f"m-lap-us-{(now_ns - self._begin_ns) // 1000 & _MAX_NUMBER}")

    def _say_results(self) -> None:
        """Real values of all outputs; zeros before the first run."""
        reals = np.zeros(sum(prod(spec.shape) for spec in self._engine.outputs), np.float32)
        if self._outputs is not None:
            pairs = zip(self._engine.outputs, self._outputs, strict=True)
            reals = np.concatenate(
                [(y if spec.dtype == "float32" else spec.dequantize(y)).ravel() for spec, y in pairs]
            )
        self._say(f"m-results-[{','.join(f'{real:.3f}' for real in reals.tolist())}]")


def _number(word: str) -> int:
    """Decimal digits; -1 for anything else, and at most what 32 bits hold."""
    return min(int(word), _MAX_NUMBER) if word.isascii() and word.isdigit() else -1
