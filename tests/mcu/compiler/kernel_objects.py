"""The library's kernels as object files, compiled once per process: many models of a test use the same."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from mcu.compiler import CompiledModel
from mcu.compiler.emit import LIBRARY, sketches_folder
from mcu.firmware.gcc import TARGETS, Target, compile_objects


def kernel_objects(compiled: CompiledModel, target: Target, flags: tuple[str, ...]) -> list[Path]:
    """Those that the model uses."""
    own = f"kt_{compiled.name}.c"
    return [_kernel_object(name, target.id, flags) for name in compiled.sources if name != own]


@cache
def _kernel_object(name: str, target: str, flags: tuple[str, ...]) -> Path:
    out = Path(_folder().name) / f"{target}-{abs(hash(flags))}"
    source = sketches_folder() / LIBRARY / name
    return compile_objects(TARGETS[target], [source], out_dir=out, flags=flags)[0]


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()
