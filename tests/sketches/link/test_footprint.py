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
    [
        ((), 4096),
        (("-DKT_LINK_OVERLAP",), 4096),
        (("-DKT_LINK_MAX_PAYLOAD=64", "-DKT_LINK_WINDOW=112U", "-DKT_LINK_MAX_INPUTS=1"), 1024),
    ],
    ids=["default", "overlap", "tiny"],
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


# The libraries in C. rv32imac is as rv32imc, whose front end is the same.
LIBRARIES = ("KerasTinyLink", "KerasTinyNN", "KerasTinyPost")
FREESTANDING = ("cortex_m4", "cortex_m7", "rv32imc", "xtensa_lx106")


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("target", FREESTANDING)
def test_the_c_libraries_compile_without_a_warning_where_there_is_no_operating_system(
    tmp_path: Path, target: str, library: str
):
    require(TARGETS[target].compiler[0])
    folder = sketches_folder() / "libraries" / library / "src"
    libc = sketches_folder() / "ports" / "riscv" / "libc"
    hosted = target.startswith("cortex")  # Debian's Arm compiler comes with newlib, the others with nothing
    include = [f"-I{folder}", *([] if hosted else [f"-I{libc}"])]
    sources = [path for path in folder.glob("*.c") if TARGETS[target].dsp or not path.stem.endswith("_dsp")]
    flags = ["-ffreestanding", *include]
    made = compile_objects(TARGETS[target], sources, out_dir=tmp_path, flags=flags)
    assert len(made) == len(sources) > 0
