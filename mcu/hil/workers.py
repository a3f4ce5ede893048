"""Runs a worker per board, hears what they say, and ends them all before it ends itself."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

from mcu.errors import ExitCode
from mcu.hil.worker import Job

# To finish the answer under way, say goodbye to the board and keep the record of what was done.
_GOODBYE_S = 15.0


@dataclass
class Heard:
    """What a worker has said so far.

    Attributes:
        done, total: samples, those of an earlier run that goes on among them.
        answers: samples of this run.
        first_s, last_s: times of its first and last answer; 0 before them.
        end: its last line, the run or the error.
    """

    done: int = 0
    total: int = 0
    answers: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    end: dict[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """From the first answer to the last."""
        return self.last_s - self.first_s


def run_workers(
    jobs: Mapping[str, Job],
    *,
    heard: Callable[[str, Heard], None],
    notice: Callable[[str, str], None],
) -> dict[str, Heard]:
    """Do all jobs at once; returns when every worker has ended.

    Args:
        jobs: id → job.
        heard: called with an id and what its worker has said, after each of its answers.
        notice: called with an id and a sentence.

    Raises:
        KeyboardInterrupt: after every worker has left its board idle.
    """
    said: queue.Queue[tuple[str, dict[str, Any] | None]] = queue.Queue()
    results = {id: Heard() for id in jobs}
    workers: dict[str, _Worker] = {}
    try:
        for id, job in jobs.items():
            workers[id] = _Worker(id, job, said)
        running = set(jobs)
        while running:
            id, fields = _next(said)
            result = results[id]
            if fields is None:
                running.discard(id)
                result.end = result.end or workers[id].died()
            elif "done" in fields:
                result.done, result.total = fields["done"], fields["total"]
                result.answers += 1
                result.last_s = time.monotonic()
                result.first_s = result.first_s or result.last_s
                heard(id, result)
            elif "notice" in fields:
                notice(id, fields["notice"])
            else:
                result.end = fields
        return results
    finally:
        for worker in workers.values():
            worker.ask_to_end()
        for worker in workers.values():
            worker.close()


def _next(said: queue.Queue[tuple[str, dict[str, Any] | None]]) -> tuple[str, dict[str, Any] | None]:
    while True:
        try:
            return said.get(timeout=1.0)  # a wait without an end cannot be interrupted on Windows
        except queue.Empty:
            continue


class _Worker:
    def __init__(self, id: str, job: Job, said: queue.Queue[tuple[str, dict[str, Any] | None]]):
        # The same packages as here, however this process found them.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mcu.hil.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=environment,
            start_new_session=True,  # Ctrl-C on the terminal is for us, who pass it on
        )
        assert self._process.stdin is not None
        self._process.stdin.write(job.line())
        self._process.stdin.flush()
        threading.Thread(target=self._listen, args=(id, said), daemon=True).start()

    def _listen(self, id: str, said: queue.Queue[tuple[str, dict[str, Any] | None]]) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said.put((id, json.loads(line)))
        self._process.wait()
        said.put((id, None))

    def died(self) -> dict[str, Any]:
        """The error of a worker that has ended without a last line."""
        self._stderr.seek(0)
        lines = self._stderr.read().decode("utf-8", "replace").strip().splitlines()
        because = f": {lines[-1]}" if lines else ""
        return {
            "error": f"Its process ended with exit code {self._process.returncode}{because}.",
            "hint": "",
            "exit_code": int(ExitCode.INTERNAL),
        }

    def ask_to_end(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended
            self._process.stdin.close()

    def close(self) -> None:
        try:
            self._process.wait(timeout=_GOODBYE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()
