"""What `mcu fits` says of one model on one board with one engine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from mcu.firmware.latency import Latency

Engine = Literal["c", "tflm"]
ENGINES: tuple[Engine, ...] = ("c", "tflm")


@dataclass(frozen=True)
class Cover:
    """Operators of one kind, and what runs them.

    Attributes:
        kernel: of the compiled engine "dsp" (Arm's DSP instructions), "portable" (plain C) or "none" (another name for
            its input: costs nothing); of TensorFlow Lite Micro "registered"; "missing" where the engine has none.
        count: how many of these the model has.
    """

    operator: str
    kernel: str
    count: int


@dataclass(frozen=True)
class Verdict:
    """One model on one board with one engine; bytes err upwards, so what fits here fits when it is built.

    Attributes:
        engine: "c" for the compiled engine, "tflm" for TensorFlow Lite Micro.
        flash_bytes, ram_bytes: of the whole firmware; None where they are not known.
        flash_spare, ram_spare: what is left on the board, negative for what is missing; None where the board has no
            limit, or the need is not known.
        peak_operator: what decides the arena, with its layer; "" where it is not known.
        assumed_flash_bytes, assumed_ram_bytes: of these the part that is an assumption, of the framework around a
            sketch; 0 where all is computed or measured.
        operators_missing: operators that the engine does not have.
        suggestion: what to try; "" if it fits.
        operators: which kernel runs which operators.
        arena_bytes: of ram_bytes what holds tensors and scratch (of TensorFlow Lite Micro its structs too).
        arena_source: "planned" from the file, "measured" by the interpreter, "manifest": measured at export.
        peak_tensors: (name, bytes) of what is in memory at the peak, the largest first.
        bytes_source: "estimated", or "linked": the linker's own numbers.
        latency: of one inference; None where nothing is known.
    """

    board: str
    engine: Engine
    fits: bool
    flash_bytes: int | None
    flash_spare: int | None
    ram_bytes: int | None
    ram_spare: int | None
    peak_operator: str
    assumed_flash_bytes: int
    assumed_ram_bytes: int
    operators_missing: tuple[str, ...]
    suggestion: str
    operators: tuple[Cover, ...] = ()
    arena_bytes: int | None = None
    arena_source: str = ""
    peak_tensors: tuple[tuple[str, int], ...] = ()
    bytes_source: str = "estimated"
    latency: Latency | None = None

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)
