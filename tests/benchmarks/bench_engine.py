"""Instructions, RAM and flash of the compiled engine on an emulated Cortex-M4, beside TensorFlow Lite Micro's.

    python -m tests.benchmarks.bench_engine [MODEL.tflite …] [--machine cortex_m4] [--operators]

Without a file it takes MobileNetV2 0.35 at 96x96x3 with random weights: instructions depend on shapes, not on weights.
Counts are QEMU's (-icount shift=0): exact and repeatable, but instructions, not cycles; LDM and LDRD count as one.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mcu.compiler import CompiledModel, compile_model
from mcu.firmware.gcc import TARGETS
from mcu.tflm import TflmInterpreter
from tests.benchmarks.qemu_bench import MACHINES, BenchRun, Machine, run_on_qemu
from tests.mcu.compiler.networks import mobilenet_v2

# MobileNetV2 0.35, 96x96x3, 10 classes, one inference on an emulated Cortex-M4, measured with the same counter.
FIELD_INSTRUCTIONS = {
    "TensorFlow Lite Micro, reference kernels": 186_134_320,
    "TensorFlow Lite Micro, CMSIS-NN": 47_152_280,
    "TinyEngine, bit-exact variant": 45_381_680,
}
MAX_INSTRUCTIONS = 33_000_000
MAX_ARENA_BYTES = 115_000
MAX_BEYOND_WEIGHTS_BYTES = 48 * 1024


@dataclass(frozen=True)
class Measured:
    """One model on one machine with one set of kernels.

    Attributes:
        beyond_weights_bytes: code and constants of the model and its kernels, less int8 weights and int32 biases.
    """

    name: str
    compiled: CompiledModel
    run: BenchRun

    @property
    def beyond_weights_bytes(self) -> int:
        constants = self.compiled.const_bytes
        return self.run.model_text - constants["weights"] - constants["bias"]


def measure(model_bytes: bytes, machine: Machine, *, name: str, portable: bool = False) -> Measured:
    """Run two samples and compare every byte with the reference."""
    interpreter = TflmInterpreter(model_bytes)
    rng = np.random.default_rng(0)
    inputs = [[rng.integers(-128, 128, spec.shape, np.int8) for spec in interpreter.inputs] for _ in range(2)]
    expected = [interpreter.invoke(sample) for sample in inputs]
    fast = TARGETS[machine.target].dsp and not portable
    compiled = compile_model(model_bytes, kernels="dsp" if fast else "portable")
    run = run_on_qemu(compiled, machine, inputs, expected)
    if run.wrong_bytes:
        raise AssertionError(f"{name}: {run.wrong_bytes} bytes differ from TensorFlow Lite Micro's")
    return Measured(f"{name}, {compiled.kernels}", compiled, run)


def describe(measured: Measured) -> str:
    """One line with the totals."""
    macs, count = measured.compiled.macs, measured.run.instructions
    return (
        f"{measured.name}: {count:,} instructions, {count / max(macs, 1):.2f} per multiply-accumulate of {macs:,}; "
        f"arena {measured.compiled.arena_bytes:,} B; code and constants beyond weights and biases "
        f"{measured.beyond_weights_bytes:,} B"
    )


def kinds(compiled: CompiledModel) -> dict[int, str]:
    """Index of an operator -> its name, with window and step where it has weights and those."""
    found = {}
    for index, (name, _, _) in compiled.operators.items():
        operator = compiled.model.operators[index]
        step = getattr(operator.options, "stride_width", None)
        weights = compiled.model.inputs_of(operator)[1] if step and "CONV" in name else None
        shape = f" {weights.shape[1]}x{weights.shape[2]} step {step}" if weights is not None else ""
        found[index] = f"{name}{shape}"
    return found


def sums_by_kind(measured: Measured) -> dict[str, tuple[int, int]]:
    """Kind of operator -> multiply-accumulates, instructions."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    named = kinds(measured.compiled)
    for index, (_, _, macs) in measured.compiled.operators.items():
        total = sums[named[index]]
        total[0] += macs
        total[1] += measured.run.by_operator[index]
    return {kind: (macs, count) for kind, (macs, count) in sums.items()}


def by_kind(measured: Measured) -> str:
    """A line per kind of operator."""
    sums = sums_by_kind(measured)
    return "\n".join(
        _line(kind, *total) for kind, total in sorted(sums.items(), key=lambda item: -item[1][1])
    )


def by_operator(measured: Measured) -> str:
    """A line per operator."""
    return "\n".join(
        _line(f"{index:3d} {name} {layer.split(';')[0][-40:]}", macs, measured.run.by_operator[index])
        for index, (name, layer, macs) in measured.compiled.operators.items()
    )


def _line(what: str, macs: int, instructions: int) -> str:
    ratio = f"{instructions / macs:8.2f}" if macs else "       -"
    return f"  {what:64s} {macs:>12,} MAC {instructions:>14,} instructions {ratio} per MAC"


def compare_with_the_field(instructions: int) -> str:
    """Ratios to what others take for MobileNetV2 0.35 at 96x96x3."""
    return "\n".join(
        f"  {instructions / theirs:.3f} of {name} ({theirs:,})" for name, theirs in FIELD_INSTRUCTIONS.items()
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", type=Path, metavar="MODEL.tflite")
    parser.add_argument("--machine", choices=sorted(MACHINES), default="cortex_m4")
    parser.add_argument("--operators", action="store_true", help="a line per operator")
    chosen = parser.parse_args(arguments)
    machine = MACHINES[chosen.machine]
    models = [(path.stem, path.read_bytes()) for path in chosen.models] or [
        ("mobilenet_v2 0.35 96x96x3", mobilenet_v2())
    ]
    for name, model_bytes in models:
        for portable in (False, True):
            measured = measure(model_bytes, machine, name=f"{name}, {chosen.machine}", portable=portable)
            print(describe(measured))
            print(by_operator(measured) if chosen.operators else by_kind(measured))
            if not chosen.models:
                print(compare_with_the_field(measured.run.instructions))


if __name__ == "__main__":
    main()
