"""Compile a model for an emulated machine and compare every output byte there with TensorFlow Lite Micro's."""

from __future__ import annotations

from typing import Literal

from mcu.compiler import compile_model
from mcu.firmware.gcc import TARGETS
from mcu.tflm import TflmInterpreter
from tests.benchmarks.qemu_bench import Machine, run_on_qemu
from tests.mcu.compiler.host_run import random_samples


def assert_machine_equals_tflm(
    model_bytes: bytes, machine: Machine, *, samples: int = 3, seed: int = 0
) -> None:
    """On extremes and on noise; with the fast kernels where the machine has the instructions for them."""
    interpreter = TflmInterpreter(model_bytes)
    inputs = random_samples(interpreter, samples, seed=seed)
    expected = [interpreter.invoke(sample) for sample in inputs]
    kernels: Literal["dsp", "portable"] = "dsp" if TARGETS[machine.target].dsp else "portable"
    run = run_on_qemu(compile_model(interpreter.model, kernels=kernels), machine, inputs, expected)
    assert run.wrong_bytes == 0, f"{run.wrong_bytes} bytes differ"
