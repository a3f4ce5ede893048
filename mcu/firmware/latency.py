"""How long one inference takes: measured where a run record says so, else estimated from instructions and cycles.

An estimate is the instruction count (mcu/firmware/instructions.py) × cycles per instruction ÷ clock, with the error of
both. Cycles per instruction are from what the makers publish of their cores, from no board here: the ranges are wide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from mcu.boards import Board
from mcu.compiler import CompiledModel
from mcu.firmware.instructions import CostTarget, estimate


class CyclesPerInstruction(NamedTuple):
    """Lowest, likely and highest, and whose instructions are counted for this core."""

    low: float
    likely: float
    high: float
    target: CostTarget
    source: str


# Cortex-M4: Arm TRM r0p1, table 3-1, zero wait states: SMLAD, SXTB16, MLA 1 cycle, LDR 2, LDM of four registers 5,
# a taken branch 2 to 4. The inner loop of kt_conv_dsp.c has 18 instructions: 1 LDR, 2 SXTB16, 3 LDM, 12 SMLAD = 31
# cycles, 1.72 each. Flash adds wait states (ST RM0090, table 10: 5 at 168 MHz) that ST's accelerator hides in part.
_M4 = "Arm Cortex-M4 TRM r0p1 table 3-1, ST RM0090 table 10"
# Arm publishes no table for the M7: two instructions per cycle at best; CoreMark/MHz 5.01, the M4's 3.42 (arm.com).
_M7 = "CoreMark/MHz of the Cortex-M7 against the M4 (Arm), two instructions per cycle at best"
# No table either; RISC-V counts stand in for Xtensa's. CoreMark/MHz 2.1 (ESP32), 2.6 (ESP32-S3), 2.6 (ESP32-C3), 3.1
# (ESP32-C6), datasheets of Espressif: about the M4's or below. Weights come over a cache from serial flash.
_ESPRESSIF = "CoreMark/MHz in Espressif's datasheets, weights through a cache from serial flash"
CORES: dict[tuple[str, str], CyclesPerInstruction] = {
    ("cortex-m4f", "dsp"): CyclesPerInstruction(1.4, 1.8, 2.6, "cortex_m", _M4),
    ("cortex-m4f", "portable"): CyclesPerInstruction(1.2, 1.6, 2.5, "cortex_m", _M4),
    ("cortex-m7", "dsp"): CyclesPerInstruction(0.6, 1.2, 2.0, "cortex_m", _M7),
    ("cortex-m7", "portable"): CyclesPerInstruction(0.5, 1.0, 1.9, "cortex_m", _M7),
    ("rv32imc", "portable"): CyclesPerInstruction(1.0, 1.6, 3.0, "rv32", _ESPRESSIF),
    ("rv32imac", "portable"): CyclesPerInstruction(1.0, 1.6, 3.0, "rv32", _ESPRESSIF),
    ("xtensa-lx6", "portable"): CyclesPerInstruction(0.7, 1.6, 3.5, "rv32", _ESPRESSIF),
    ("xtensa-lx7", "portable"): CyclesPerInstruction(0.7, 1.6, 3.5, "rv32", _ESPRESSIF),
}


@dataclass(frozen=True)
class Latency:
    """Of one inference.

    Attributes:
        kind: "estimated", or "measured" on a board.
        us: the likely value, or the measured median; None on an emulated board, whose clock is not silicon's.
        low_us, high_us: the error bar, or the fastest and slowest that was measured.
        instructions: of one inference; None where they are not known.
        instructions_error: by which share that may be off; 0.0 where they were counted.
        source: what the estimate rests on, or the run record.
    """

    kind: Literal["estimated", "measured"]
    us: float | None
    low_us: float | None
    high_us: float | None
    instructions: int | None
    instructions_error: float
    source: str


def estimate_latency(compiled: CompiledModel, board: Board, *, clock_hz: int | None) -> Latency | None:
    """From instructions and cycles; None for a core that we know nothing of (a process on a computer).

    Args:
        clock_hz: of the firmware on this board, which may be lower than the board's.
    """
    core = CORES.get((board.core, compiled.kernels))
    if core is None:
        return None
    counted = estimate(compiled, target=core.target)
    times: list[float | None] = [None, None, None]
    if clock_hz is not None and board.flash.method != "qemu":
        shares = ((1 - counted.error) * core.low, core.likely, (1 + counted.error) * core.high)
        times = [round(counted.count * share / clock_hz * 1e6, 1) for share in shares]
    return Latency(
        kind="estimated",
        us=times[1],
        low_us=times[0],
        high_us=times[2],
        instructions=counted.count,
        instructions_error=counted.error,
        source=core.source,
    )
