"""The virtual board with the compiled engine: the firmware's own C as a process of this computer, on the pty."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Callable

from mcu.errors import LinkError
from mcu.firmware.builder import build_host_program
from mcu.protocol.mlperf_model import MlperfModel
from mcu.virtual.reset import ResetPressed

_LOOK_S = 0.1  # how often to see whether the board has ended
_READ_BYTES = 4096
_RESET_CODE = 1  # kt_port_reset of sketches/ports/host: what a board with a chip does by itself


def compiled_board(model_bytes: bytes, *, mlperf: MlperfModel) -> Callable[..., None]:
    """Build the board of a model; what is returned runs it: `run(fd=…, stop_fd=…)`, as `mcu.virtual.process.serve`.

    Raises:
        ModelFileError, UnsupportedModel: the compiled engine does not run the model.
        MissingExtra: there is no C compiler; the hint installs it.
    """
    program = build_host_program(model_bytes, mlperf=mlperf).program

    def run(*, fd: int, stop_fd: int | None) -> None:
        while True:
            with subprocess.Popen([program], stdin=fd, stdout=fd) as process:
                try:
                    while process.poll() is None:
                        if _is_closed(stop_fd):
                            return
                except ResetPressed:
                    continue
                finally:
                    process.kill()
            if process.returncode == _RESET_CODE:
                continue
            raise LinkError(f"The board's program {program} ended with exit code {process.returncode}.")

    return run


def _is_closed(stop_fd: int | None) -> bool:
    """Whether the other end has been closed; looks for a moment."""
    if stop_fd is None:
        select.select([], [], [], _LOOK_S)
        return False
    ready, _, _ = select.select([stop_fd], [], [], _LOOK_S)
    return bool(ready) and not os.read(stop_fd, _READ_BYTES)
