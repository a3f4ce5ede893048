"""What the link takes on a Cortex-M4: its code, and its state with the receive ring, in two sizes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcu.compiler.emit import sketches_folder
from mcu.firmware.gcc import TARGETS, compile_objects, section_bytes
from tests.sketches.link.c_board import LIBRARY
from tests.support import require

STATE = """
#include "kt_board.h"
#include "kt_ring.h"
kt_board board = {0};
kt_ring ring = {0};
"""


@pytest.mark.parametrize(
    ("limits", "ram_bytes"),
    [((), 4096), (("-DKT_LINK_MAX_PAYLOAD=64", "-DKT_LINK_WINDOW=112U", "-DKT_LINK_MAX_INPUTS=1"), 1024)],
    ids=["default", "tiny"],
)
def test_the_link_fits_its_budget(tmp_path: Path, limits: tuple[str, ...], ram_bytes: int):
    require("arm-none-eabi-gcc")
    target = TARGETS["cortex_m4"]
    state = tmp_path / "state.c"
    state.write_text(STATE)
    flags = ("-Os", f"-I{LIBRARY}", f"-I{sketches_folder() / 'ports' / 'common'}", *limits)
    objects = compile_objects(target, [state, *LIBRARY.glob("kt_*.c")], out_dir=tmp_path, flags=flags)
    sizes = [section_bytes(target, each) for each in objects]
    assert sum(size.text + size.data for size in sizes) <= 8192
    assert sum(size.bss + size.data for size in sizes) <= ram_bytes


@pytest.mark.parametrize("target", ["cortex_m4", "cortex_m7", "rv32imac"])
def test_the_library_compiles_without_a_warning_where_there_is_no_operating_system(
    tmp_path: Path, target: str
):
    compiler = TARGETS[target].compiler[0]
    require(compiler)
    libc = sketches_folder() / "ports" / "riscv" / "libc"
    flags = ["-Os", "-ffreestanding", f"-I{LIBRARY}", *([f"-I{libc}"] if target == "rv32imac" else [])]
    made = compile_objects(TARGETS[target], [*LIBRARY.glob("kt_*.c")], out_dir=tmp_path, flags=flags)
    assert len(made) == len([*LIBRARY.glob("kt_*.c")])
