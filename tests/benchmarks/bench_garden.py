"""The garden on emulated machines: bytes compared, instructions per multiply-accumulate beside those of the field.

    python -m tests.benchmarks.bench_garden [MODEL …] [--models build/garden] [--state build/bench_garden.json]

Prints the tables of docs/reference/compiler.md. Models are those of tests/mcu/compiler/test_garden.py, exported once
into --models; what is in --state is not measured again, so that a run may be interrupted.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.benchmarks.bench_engine import FIELD_INSTRUCTIONS, measure, sums_by_kind
from tests.benchmarks.qemu_bench import MACHINES
from tests.mcu.compiler.test_garden import DEPLOYABLE, int8_file

# Instructions per multiply-accumulate of MobileNetV2 0.35 at 96x96x3, which has so many.
FIELD_MACS = 10_666_928
FIELD_PER_MAC = {name: count / FIELD_MACS for name, count in FIELD_INSTRUCTIONS.items()}
REFERENCE, CMSIS = "TensorFlow Lite Micro, reference kernels", "TensorFlow Lite Micro, CMSIS-NN"
SAMPLE_FLASH_BYTES = 256 << 10  # samples and the program around the model
STACK_BYTES = 4096


@dataclass(frozen=True)
class Row:
    """One model on one machine; its bytes equalled TensorFlow Lite Micro's."""

    model: str
    size: str
    machine: str
    kernels: str
    macs: int
    instructions: int
    arena_bytes: int
    beyond_weights_bytes: int
    kinds: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def per_mac(self) -> float:
        return self.instructions / self.macs


def model_file(name: str, folder: Path) -> bytes:
    """The int8 model, exported at the first call."""
    path = folder / f"{name}.tflite"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(int8_file(name))
    return path.read_bytes()


def fits(model_bytes: bytes, machine: str) -> bool:
    """Whether the program and its arena have room; the arena is that of the portable kernels, the larger one."""
    from mcu.compiler import compile_model

    arena_bytes = compile_model(model_bytes).arena_bytes
    chosen = MACHINES[machine]
    return (
        len(model_bytes) + SAMPLE_FLASH_BYTES < chosen.flash[1] and arena_bytes + STACK_BYTES < chosen.ram[1]
    )


def measure_row(name: str, machine: str, folder: Path) -> Row:
    """Runs the model; raises if a single byte is wrong."""
    model_bytes = model_file(name, folder)
    found = measure(model_bytes, MACHINES[machine], name=name)
    given = DEPLOYABLE[name]
    shape = given["input_shape"]
    assert isinstance(shape, tuple)
    scaled = [f"{key} {given[key]}" for key in ("width", "alpha", "features") if key in given]
    return Row(
        model=name,
        size=", ".join(["x".join(map(str, shape)), *scaled]),
        machine=machine,
        kernels=found.compiled.kernels,
        macs=found.compiled.macs,
        instructions=found.run.instructions,
        arena_bytes=found.compiled.arena_bytes,
        beyond_weights_bytes=found.beyond_weights_bytes,
        kinds=sums_by_kind(found),
    )


def table(rows: Sequence[Row]) -> Iterator[str]:
    """Markdown: a row per model and machine."""
    yield "| model | machine, kernels | multiply-accumulates | instructions | per MAC | of TFLM | of CMSIS-NN | arena |"
    yield "|---|---|--:|--:|--:|--:|--:|--:|"
    for row in rows:
        yield (
            f"| {row.model} {row.size} | {row.machine}, {row.kernels} | {row.macs:,} | {row.instructions:,} | "
            f"{row.per_mac:.2f} | {row.per_mac / FIELD_PER_MAC[REFERENCE]:.3f} | "
            f"{row.per_mac / FIELD_PER_MAC[CMSIS]:.3f} | {row.arena_bytes:,} B |"
        )


def kind_table(rows: Sequence[Row]) -> Iterator[str]:
    """Markdown: a row per kind of operator that multiplies, over all models with one set of kernels."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        for kind, (macs, count) in row.kinds.items():
            sums[kind][0] += macs
            sums[kind][1] += count
    yield "| operator | multiply-accumulates | instructions | per MAC |"
    yield "|---|--:|--:|--:|"
    for kind, (macs, count) in sorted(sums.items(), key=lambda item: -item[1][1]):
        each = f"{count / macs:.2f}" if macs else "-"
        yield f"| {kind} | {macs:,} | {count:,} | {each} |"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="MODEL", help="default: all")
    parser.add_argument("--models", type=Path, default=Path("build/garden"))
    parser.add_argument("--state", type=Path, default=Path("build/bench_garden.json"))
    chosen = parser.parse_args(arguments)
    state: dict[str, dict[str, object]] = (
        json.loads(chosen.state.read_text()) if chosen.state.is_file() else {}
    )
    for name in chosen.names or DEPLOYABLE:
        model_bytes = model_file(name, chosen.models)
        arm = "cortex_m4" if fits(model_bytes, "cortex_m4") else "cortex_m7"
        for machine in (arm, "riscv"):
            key = f"{name} {machine}"
            if key not in state:
                state[key] = asdict(measure_row(name, machine, chosen.models))
                chosen.state.parent.mkdir(parents=True, exist_ok=True)
                chosen.state.write_text(json.dumps(state, indent=1))
    rows = [Row(**row) for row in state.values()]  # type: ignore[arg-type]
    for kernels in ("dsp", "portable"):
        some = [row for row in rows if row.kernels == kernels]
        print("\n".join(["", *table(some), "", *kind_table(some)]))


if __name__ == "__main__":
    main()
