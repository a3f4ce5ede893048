"""Measured figures that are written into prose and tables by hand are what is measured today."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import require

PAGE = Path(__file__).parents[2] / "docs/reference/compiler.md"
KERNELS = {"**compiled engine, `dsp`**": "dsp", "compiled engine, `portable`": "portable"}


def figures() -> dict[str, tuple[int, int]]:
    """kernels → (instructions, RAM in bytes) in the table of runtimes."""
    found = {}
    for row in re.findall(r"^\| (.*) \| ([\d,]+) \| ([\d,]+) B \|$", PAGE.read_text("utf-8"), re.MULTILINE):
        if row[0] in KERNELS:
            found[KERNELS[row[0]]] = (int(row[1].replace(",", "")), int(row[2].replace(",", "")))
    return found


@pytest.mark.parametrize("kernels", ["dsp", "portable"])
def test_the_compiler_s_ram_is_what_the_page_says(kernels: str):
    from mcu.compiler import compile_model
    from tests.mcu.compiler.networks import mobilenet_v2

    compiled = compile_model(mobilenet_v2(), kernels=kernels)  # type: ignore[arg-type]
    assert figures()[kernels][1] == compiled.arena_bytes
    if kernels == "dsp":
        factors = compiled.const_bytes["requantization"]
        assert f"({factors:,} B of them factors)" in PAGE.read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("kernels", ["dsp", "portable"])
def test_the_compiler_s_instructions_are_what_the_page_says(kernels: str):
    from mcu.firmware.gcc import TARGETS
    from tests.benchmarks import bench_engine
    from tests.benchmarks.qemu_bench import MACHINES
    from tests.mcu.compiler.networks import mobilenet_v2

    machine = MACHINES["cortex_m4"]
    require(machine.qemu[0])
    require(TARGETS[machine.target].compiler[0])
    measured = bench_engine.measure(mobilenet_v2(), machine, name="", portable=kernels == "portable")
    # Another release of GCC arranges a few instructions otherwise.
    assert measured.run.instructions == pytest.approx(figures()[kernels][0], rel=0.01)
