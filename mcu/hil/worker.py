"""`python -m mcu.hil.worker`: the validation of one board in a process of its own, for `mcu.hil.fleet`.

The first line on stdin is the job. Lines on stdout tell what happens: `{"done", "total"}`, `{"notice"}`, and at the end
`{"run"}` or `{"error", "hint", "exit_code"}`. When stdin closes, the work is interrupted, as by Ctrl-C.
"""

from __future__ import annotations

import _thread
import json
import os
import signal
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mcu.errors import ExitCode, KerasTinyError


@dataclass(frozen=True)
class Job:
    """What one worker does; see `mcu.hil.validate`.

    Attributes:
        part: (k, n): every n-th sample of the run's, beginning with the k-th, counted from 0; None for all.
        baud: of the port; None: the board's own.
    """

    bundle: str
    data: str
    board: str
    port: str | None
    baud: int | None
    part: tuple[int, int] | None
    limit: int | None
    seed: int | None
    resume: bool
    wait_s: float
    out_dir: str
    hash_only: bool = False
    overlap: bool = False

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def parse(cls, line: str) -> Job:
        fields = json.loads(line)
        fields["part"] = tuple(fields["part"]) if fields["part"] else None
        return cls(**fields)


def main() -> int:
    """Do the job; returns an exit code of `mcu`."""
    job = Job.parse(sys.stdin.readline())
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_interrupt_when_stdin_closes, daemon=True).start()
    try:
        run = _validate(job)
    except KerasTinyError as error:
        _say(error=error.message, hint=error.hint, exit_code=int(error.exit_code))
        return error.exit_code
    except KeyboardInterrupt:
        _say(error="interrupted", hint="", exit_code=int(ExitCode.INTERRUPTED))
        return ExitCode.INTERRUPTED
    _say(run=run)
    return ExitCode.DONE


def _validate(job: Job) -> dict[str, Any]:
    from mcu.boards import get_board
    from mcu.hil.journal import JOURNAL_NAME
    from mcu.hil.runner import validate

    board = get_board(job.board)
    if job.baud is not None:
        board = board.model_copy(update={"serial_baud": job.baud})
    run = validate(
        job.bundle,
        job.data,
        board=board,
        port=job.port,
        part=job.part,
        limit=job.limit,
        seed=job.seed,
        # A board that had finished, or never begun, has nothing to go on with.
        resume=job.resume and (Path(job.out_dir) / JOURNAL_NAME).is_file(),
        wait_s=job.wait_s,
        out_dir=job.out_dir,
        hash_only=job.hash_only,
        overlap=job.overlap,
        progress=lambda done, total: _say(done=done, total=total),
        notice=lambda said: _say(notice=said),
    )
    return run.summary()


def _say(**fields: Any) -> None:
    print(json.dumps(fields, default=str), flush=True)


def _interrupt_when_stdin_closes() -> None:
    while os.read(sys.stdin.fileno(), 4096):  # not sys.stdin's own, which must be free when Python ends
        pass
    if os.name == "posix":
        os.kill(os.getpid(), signal.SIGINT)  # unlike interrupt_main, this also ends a wait for the port
    else:
        _thread.interrupt_main()


if __name__ == "__main__":
    sys.exit(main())
