"""What a unit of work costs each kernel in instructions: counted by QEMU, fitted, written for `mcu fits`.

    python -m tests.benchmarks.instruction_costs [--measure [MODEL … | all]] [--models build/garden]

With --measure it first counts what is not yet in instruction_counts.json: random operators of every kind, then the
models of the garden that are named; each count is written at once, so that a run may be interrupted. Then it fits
mcu/firmware/instruction_costs.csv to the counts. HELD_OUT models take no part in it: tests check the error bar on them.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mcu.compiler import ALIASES, CompiledModel, compile_model
from mcu.compiler.compiled import Kernels
from mcu.firmware.instructions import TABLE, WORK, cost_name, work
from mcu.tflm import TflmInterpreter
from tests.benchmarks.bench_engine import kinds
from tests.benchmarks.bench_garden import fits, model_file
from tests.benchmarks.qemu_bench import MACHINES, run_on_qemu
from tests.mcu.compiler.cases import OPERATORS
from tests.mcu.compiler.long_run import draw, graph_of
from tests.mcu.compiler.test_garden import DEPLOYABLE

COUNTS = Path(__file__).with_name("instruction_counts.json")
# Of every task one, and both kinds of kernels that are rare elsewhere.
HELD_OUT = ("mobilenet_v3_large", "squeezenet", "unet5", "ssdlite")
RUNS: tuple[tuple[str, Kernels], ...] = (
    ("cortex_m7", "dsp"),
    ("cortex_m7", "portable"),
    ("riscv", "portable"),
)
TARGET_OF = {"cortex_m4": "cortex_m", "cortex_m7": "cortex_m", "riscv": "rv32"}
CASES = 30  # operators of one kind in a graph
CASE = "case-"
FEW = 4  # groups with a kernel: too few to tell its units apart
MAIN_UNITS = ("macs", "window", "inputs", "outputs")
MARGIN = 1.5  # of the error bar, beyond the largest error that was seen


class Group(NamedTuple):
    """Operators that were counted together.

    Attributes:
        model: of the garden, or "case-OPERATOR".
        target: whose instructions these are.
        work: "kernel/unit" → how much of it.
    """

    model: str
    target: str
    work: Mapping[str, int]
    instructions: int


def grouped(model: str, machine: str, compiled: CompiledModel, counts: Mapping[str, int]) -> list[Group]:
    """Counts by kind of operator, as `bench_engine.kinds` names them, beside the work that they stand for."""
    named = kinds(compiled)
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for stage in compiled.stages:
        for unit, amount in work(stage).items():
            if amount:
                sums[named[stage.operator.index]][f"{cost_name(stage)}/{unit}"] += amount
    return [Group(model, TARGET_OF[machine], dict(sums[kind]), count) for kind, count in counts.items()]


def count(model: str, model_bytes: bytes, machine: str, kernels: Kernels) -> list[Group]:
    """Run the model on the emulated machine; raises if a single byte is wrong."""
    compiled = compile_model(model_bytes, kernels=kernels)
    interpreter = TflmInterpreter(model_bytes)
    rng = np.random.default_rng(0)
    inputs = [[rng.integers(-128, 128, spec.shape, np.int8) for spec in interpreter.inputs] for _ in range(2)]
    run = run_on_qemu(compiled, MACHINES[machine], inputs, [interpreter.invoke(each) for each in inputs])
    if run.wrong_bytes:
        raise AssertionError(f"{model} on {machine}: {run.wrong_bytes} bytes differ from the interpreter's")
    sums: dict[str, int] = defaultdict(int)
    for index, kind in kinds(compiled).items():
        sums[kind] += run.by_operator[index]
    return grouped(model, machine, compiled, sums)


def measure(models: Sequence[str], folder: Path) -> None:
    """Count what is not there yet."""
    have = read_counts()
    todo = [
        (f"{CASE}{name}", graph_of(draw(name, CASES, number=0))) for name in sorted({*OPERATORS} - ALIASES)
    ]
    todo += [(name, model_file(name, folder)) for name in models]
    for model, model_bytes in todo:
        for machine, kernels in RUNS:
            key = f"{model} {machine} {kernels}"
            if key not in have and (machine != "cortex_m7" or fits(model_bytes, machine)):
                have[key] = count(model, model_bytes, machine, kernels)
                write_counts(have)
                print(key, sum(group.instructions for group in have[key]), flush=True)


def read_counts() -> dict[str, list[Group]]:
    """ "model machine kernels" → its groups."""
    if not COUNTS.is_file():
        return {}
    return {key: [Group(*row) for row in rows] for key, rows in json.loads(COUNTS.read_text()).items()}


def write_counts(counts: Mapping[str, Iterable[Group]]) -> None:
    lines = [f"{json.dumps(key)}: {json.dumps(list(groups))}" for key, groups in sorted(counts.items())]
    COUNTS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def fit(runs: Iterable[Sequence[Group]]) -> dict[str, float]:
    """ "kernel/unit" → instructions, none negative; a group's error weighs by its share of its model."""
    from scipy.optimize import nnls

    runs = list(runs)
    units = _units(runs)
    column = {unit: index for index, unit in enumerate(units)}
    rows, wanted = [], []
    for groups in runs:
        total = sum(group.instructions for group in groups)
        for group in groups:
            weight = 1 / np.sqrt(max(group.instructions, 1) * total)
            row = np.zeros(len(units))
            for unit, amount in group.work.items():
                if unit in column:
                    row[column[unit]] = amount * weight
            rows.append(row)
            wanted.append(group.instructions * weight)
    matrix = np.array(rows)
    scale = np.maximum(matrix.max(axis=0), 1e-30)  # units differ by six orders of magnitude
    solution, _ = nnls(matrix / scale, np.array(wanted), maxiter=100 * len(units))
    return dict(zip(units, (solution / scale).tolist(), strict=True))


def _units(runs: Iterable[Sequence[Group]]) -> list[str]:
    """Units to fit: of a kernel that was seen a few times only, the one that its work goes with."""
    seen: dict[str, list[set[str]]] = defaultdict(list)
    for group in (group for groups in runs for group in groups):
        for kernel in {unit.split("/")[0] for unit in group.work}:
            seen[kernel].append({unit.split("/")[1] for unit in group.work if unit.startswith(f"{kernel}/")})
    chosen = []
    for kernel, groups in seen.items():
        units = set().union(*groups)
        if len(groups) < FEW:
            units = {next(unit for unit in MAIN_UNITS if unit in units)}
        chosen += [f"{kernel}/{unit}" for unit in units]
    return sorted(chosen)


def predicted(groups: Iterable[Group], costs: Mapping[str, float]) -> float:
    return sum(costs.get(unit, 0.0) * amount for group in groups for unit, amount in group.work.items())


def off(groups: Sequence[Group], costs: Mapping[str, float]) -> float:
    """Relative error of a whole model."""
    return predicted(groups, costs) / sum(group.instructions for group in groups) - 1


def error_of(runs: Sequence[Sequence[Group]]) -> float:
    """The error bar: the largest error of a model that was left out of a fit to the others, with a margin."""
    worst = 0.0
    for left_out in {groups[0].model for groups in runs if not groups[0].model.startswith(CASE)}:
        costs = fit(groups for groups in runs if groups[0].model != left_out)
        worst = max(worst, *(abs(off(groups, costs)) for groups in runs if groups[0].model == left_out))
    return worst * MARGIN


def table() -> list[dict[str, str]]:
    """The rows of the CSV, from the counts."""
    rows = []
    everything = [groups for groups in read_counts().values() if groups and groups[0].model not in HELD_OUT]
    for target in sorted({groups[0].target for groups in everything}):
        runs = [groups for groups in everything if groups[0].target == target]
        costs, error = fit(runs), error_of(runs)
        for kernel in sorted({unit.split("/")[0] for unit in costs}):
            per = {unit: f"{costs.get(f'{kernel}/{unit}', 0.0):.5g}" for unit in WORK}
            rows.append({"target": target, "kernel": kernel, **per, "error": f"{error:.3f}"})
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--measure", nargs="*", metavar="MODEL", help="count first; all: every model")
    parser.add_argument("--models", type=Path, default=Path("build/garden"))
    chosen = parser.parse_args(arguments)
    if chosen.measure is not None:
        measure(tuple(DEPLOYABLE) if chosen.measure == ["all"] else chosen.measure, chosen.models)
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ("target", "kernel", *WORK, "error"), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table())


if __name__ == "__main__":
    main()
