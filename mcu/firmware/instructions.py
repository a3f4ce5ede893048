"""How many instructions a compiled model takes, before it runs: the work of each kernel × its measured cost.

The table instruction_costs.csv holds what a unit of work costs each kernel: fitted to exact counts of QEMU (-icount) by
`python -m tests.benchmarks.instruction_costs`. Instructions are no time yet: mcu/firmware/latency.py.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from mcu.compiler import CompiledModel
from mcu.compiler.stage import Stage

CostTarget = Literal["cortex_m", "rv32"]
TABLE = Path(__file__).with_name("instruction_costs.csv")
WORK = ("macs", "blocks", "window", "inputs", "outputs", "rows", "once")
_BY_INPUTS = ("kt_mean_row", "kt_depthwise_3x3_plane_dsp", "kt_depthwise_3x3_row_dsp")
DSP_PIXELS = 6  # that kt_conv_dsp.c computes at once, wanted or not


@dataclass(frozen=True)
class KernelCost:
    """A kernel's instructions per unit of work, on one target.

    Attributes:
        per: unit of `WORK` → instructions.
        error: of a whole model that the fit had not seen, as a share; the same in all rows of a target.
    """

    per: Mapping[str, float]
    error: float


@dataclass(frozen=True)
class Instructions:
    """An estimate of one inference.

    Attributes:
        error: by which share of `count` it may be off.
        by_operator: index in the .tflite file → instructions.
    """

    count: int
    error: float
    by_operator: Mapping[int, int]


def work(stage: Stage) -> dict[str, int]:
    """What a stage has to do, in the units of `WORK`.

    macs: multiply-accumulates, those of the fill of a DSP convolution included. blocks: output channels × groups of
    six pixels of a DSP convolution. window: elements that it collects windows from; of plain C the runs of the inner
    loop. inputs: elements, of kernels that widen them or sum them up. outputs: elements. rows: calls of the kernel.
    once: 1.
    """
    taps = _number(stage, "window_h") * _number(stage, "window_w")
    channels = _number(stage, "in_channels")
    outputs = stage.out_height * stage.out_row_bytes
    macs, blocks, window, inputs = stage.macs, 0, 0, 0
    name = cost_name(stage)
    if name == "kt_conv_row_dsp":
        groups = -(-_number(stage, "out_width") // DSP_PIXELS) * stage.out_height
        blocks = groups * _number(stage, "out_channels")
        inputs = groups * DSP_PIXELS * _number(stage, "filter_bytes")
        macs = inputs * _number(stage, "out_channels")
        pixels = stage.out_height * _number(stage, "out_width")
        window = pixels * taps * channels if taps > 1 or stage.stride > 1 else 0
    elif stage.kernel.struct == "kt_pool":
        window = outputs * taps
    elif channels and macs:
        window = macs // channels
    elif name in _BY_INPUTS:
        inputs = stage.in_height * stage.in_row_bytes
    return {
        "macs": macs,
        "blocks": blocks,
        "window": window,
        "inputs": inputs,
        "outputs": outputs,
        "rows": stage.out_height,
        "once": 1,
    }


def cost_name(stage: Stage) -> str:
    """The kernel as the table names it; behind a ReLU it takes one instruction per output less."""
    return stage.kernel.function.replace("_relu", "")


def estimate(compiled: CompiledModel, *, target: CostTarget) -> Instructions:
    """Instructions of one inference on a Cortex-M4 or M7, or on a 32-bit RISC-V."""
    costs = kernel_costs()
    by_operator: dict[int, int] = {}
    for stage in compiled.stages:
        cost = costs[target, cost_name(stage)]
        count = sum(cost.per[unit] * amount for unit, amount in work(stage).items())
        by_operator[stage.operator.index] = by_operator.get(stage.operator.index, 0) + round(count)
    error = max((cost.error for (of, _), cost in costs.items() if of == target), default=0.0)
    return Instructions(sum(by_operator.values()), error, by_operator)


@cache
def kernel_costs() -> dict[tuple[str, str], KernelCost]:
    """(target, kernel) → cost."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return {
            (row["target"], row["kernel"]): KernelCost(
                {unit: float(row[unit]) for unit in WORK}, float(row["error"])
            )
            for row in csv.DictReader(file)
        }


def _number(stage: Stage, name: str) -> int:
    value = stage.fields.get(name, 0)
    return value if isinstance(value, int) else 0
