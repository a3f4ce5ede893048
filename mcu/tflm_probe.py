"""Find the smallest arena in which TensorFlow Lite Micro runs a model; a process of its own, run by `mcu.tflm`.

In some arenas that are too small the wheel does not report an error but crashes, so every attempt is a forked child.
Usage: `python -m mcu.tflm_probe LOWEST HIGHEST` with the model on stdin; prints the bytes, or 0 if it runs in none.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

ALIGNMENT_BYTES = 16  # MicroArenaBufferAlignment() in tflite-micro


def smallest_arena(model_bytes: bytes, *, lowest: int, highest: int) -> int:
    """The smallest arena in steps of the alignment, from `lowest` on; 0 if the model runs in none up to `highest`."""
    import_module("tflite_micro.python.tflite_micro._runtime")  # once, here, instead of in every child
    fits = -(-lowest // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
    too_small, step = 0, ALIGNMENT_BYTES
    while not _runs_in(model_bytes, fits):
        too_small, fits, step = fits, fits + step, step * 2
        if too_small >= highest:
            return 0
    while too_small and fits - too_small > ALIGNMENT_BYTES:
        middle = (fits + too_small) // 2 // ALIGNMENT_BYTES * ALIGNMENT_BYTES
        if _runs_in(model_bytes, middle):
            fits = middle
        else:
            too_small = middle
    return fits


def new_interpreter(model_bytes: bytes, *, arena_bytes: int, keep_tensors: bool = False) -> Any:
    """The wheel's C++ interpreter itself, with its recording allocator, or with the one that gives each tensor a place.

    The wheel's Python class around it first parses the whole file, without any checks, for variables, which we have
    none of (tflite_micro/python/tflite_micro/runtime.py); that costs more than the rest.

    Raises:
        RuntimeError: the model cannot be allocated; the cause is on the C library's stderr.
    """
    from tflite_micro.python.tflite_micro import _runtime

    kinds = _runtime.PythonInterpreterConfig
    kind = kinds.kPreserveAllTensors if keep_tensors else kinds.kAllocationRecording
    return _runtime.InterpreterWrapper(model_bytes, [], arena_bytes, 0, kind, 0)


def _runs_in(model_bytes: bytes, arena_bytes: int) -> bool:
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        ran = False
        try:
            new_interpreter(model_bytes, arena_bytes=arena_bytes).Invoke()
            ran = True
        finally:
            os._exit(0 if ran else 1)
    return os.waitpid(child, 0)[1] == 0


if __name__ == "__main__":
    print(smallest_arena(sys.stdin.buffer.read(), lowest=int(sys.argv[1]), highest=int(sys.argv[2])))
