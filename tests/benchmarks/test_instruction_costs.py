"""The table of instruction costs is the fit to the counts that lie beside it, and its error bar is honest."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from mcu.compiler import compile_model
from mcu.compiler.operators import conv, elementwise, pool, reduce, reshape, resize, transpose_conv
from mcu.compiler.stage import Kernel
from mcu.firmware.gcc import TARGETS
from mcu.firmware.instructions import TABLE, estimate, kernel_costs
from tests.benchmarks.instruction_costs import HELD_OUT, TARGET_OF, count, off, read_counts, table
from tests.benchmarks.qemu_bench import MACHINES
from tests.mcu.compiler.networks import mobilenet_v2
from tests.mcu.compiler.test_garden import DEPLOYABLE
from tests.support import require

ROOT = Path(__file__).parents[2]
ROOMS = (conv, elementwise, pool, reduce, reshape, resize, transpose_conv)


def test_the_table_is_the_fit_to_the_counts():
    require("module:scipy")
    with TABLE.open(newline="", encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    fitted = table()
    assert [(row["target"], row["kernel"]) for row in written] == [
        (row["target"], row["kernel"]) for row in fitted
    ]
    for old, new in zip(written, fitted, strict=True):
        for column in old.keys() - {"target", "kernel"}:
            # Another BLAS may round another way.
            assert float(old[column]) == pytest.approx(float(new[column]), rel=0.02, abs=0.5)


def test_the_error_bar_covers_models_that_the_fit_has_not_seen():
    costs = kernel_costs()
    seen = []
    for groups in read_counts().values():
        if groups[0].model not in HELD_OUT:
            continue
        target = groups[0].target
        per = {f"{kernel}/{unit}": each for (of, kernel), cost in costs.items() if of == target
               for unit, each in cost.per.items()}  # fmt: skip
        (error,) = {cost.error for (of, _), cost in costs.items() if of == target}
        assert abs(off(groups, per)) <= error, (groups[0].model, target)
        seen.append((groups[0].model, target))
    assert set(seen) == {(model, target) for model in HELD_OUT for target in TARGET_OF.values()}


@pytest.mark.parametrize("page", ["reference/compiler.md", "how_to/know_before_you_flash.md"])
def test_the_error_on_the_page_is_the_table_s(page: str):
    text = " ".join((ROOT / "docs" / page).read_text("utf-8").split())
    errors = {target: cost.error for (target, _), cost in kernel_costs().items()}
    assert (
        f"{errors['cortex_m']:.0%} for Cortex-M and {errors['rv32']:.0%} for RISC-V".replace("%", " %")
        in text
    )
    worst = 0.0
    for groups in read_counts().values():
        if groups[0].model in HELD_OUT:
            per = {f"{kernel}/{unit}": each for (of, kernel), cost in kernel_costs().items()
                   if of == groups[0].target for unit, each in cost.per.items()}  # fmt: skip
            worst = max(worst, abs(off(groups, per)))
    assert f"{worst:.0%} at most".replace("%", " %") in text


def test_the_models_that_are_held_out_are_of_the_garden():
    assert set(HELD_OUT) < set(DEPLOYABLE)


def test_an_error_bar_is_of_use():
    assert all(0 < cost.error < 0.5 for cost in kernel_costs().values())


def test_every_kernel_has_its_cost_on_every_core_that_runs_it():
    kernels = {each for room in ROOMS for each in vars(room).values() if isinstance(each, Kernel)}
    names = {(kernel.function.replace("_relu", ""), kernel.source.endswith("_dsp.c")) for kernel in kernels}
    assert set(kernel_costs()) == {
        (target, name)
        for name, dsp in names
        for target in TARGET_OF.values()
        if target == "cortex_m" or not dsp
    }


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("machine", "kernels"), [("cortex_m4", "dsp"), ("riscv", "portable")])
def test_a_count_made_now_is_within_the_error_bar(machine: str, kernels: str):
    for tool in (
        "module:tflite_micro",
        MACHINES[machine].qemu[0],
        TARGETS[MACHINES[machine].target].compiler[0],
    ):
        require(tool)
    groups = count("mobilenet_v2", mobilenet_v2(), machine, kernels)  # type: ignore[arg-type]
    counted = sum(group.instructions for group in groups)
    compiled = compile_model(mobilenet_v2(), kernels=kernels)  # type: ignore[arg-type]
    estimated = estimate(compiled, target=TARGET_OF[machine])  # type: ignore[arg-type]
    assert abs(estimated.count - counted) <= estimated.error * counted
