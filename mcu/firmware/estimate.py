"""Flash and RAM of a firmware before it is built: from the compiler's plan and the measured sizes of code.

Both err upwards: tests hold them to the linker's maps of real builds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mcu.compiler import CompiledModel
from mcu.compiler.place import aligned
from mcu.compiler.stage import Constant, TensorOffset, Value
from mcu.firmware.code_bytes import kernel_bytes, port_bytes

RUNNER = "kt_run.c"
CODE_MARGIN = 1 / 8  # another compiler's code, and kernels that grew since they were measured
PORT_SLACK_BYTES = (
    1024  # the same for the rest of the firmware, whose identity block grows with the tensors' names
)
MODEL_SLACK_BYTES = 512  # kt_model_invoke, kt_model_input, kt_model_output, and fill
RAM_SLACK_BYTES = 128  # fill between the model's RAM and the rest's
_STAGE_BYTES = 56 + 8  # sizeof(kt_stage) with 32-bit pointers, and its share of a kt_step
_GUARD_BYTES = 2 * 8 * 4  # KT_GUARD_WORDS below and above the arena
_TENSOR_BYTES = 8  # an input's or output's pointer and size


@dataclass(frozen=True)
class Estimate:
    """Bytes that a firmware takes at most."""

    flash_bytes: int
    ram_bytes: int


def engine_flash_bytes(compiled: CompiledModel, *, target: str) -> int:
    """Flash of the model's constants and of the kernels that it uses, on a target of `mcu.firmware.gcc.TARGETS`."""
    sources = {RUNNER, *(stage.kernel.source for stage in compiled.stages)}
    code = sum(kernel_bytes(target, source) for source in sources)
    return model_flash_bytes(compiled) + round(code * (1 + CODE_MARGIN))


def model_flash_bytes(compiled: CompiledModel) -> int:
    """Constants of the model: weights with their padding, factors, tables, and the structs around them."""
    total = MODEL_SLACK_BYTES
    for stage in compiled.stages:
        values = (*stage.fields.values(), stage.second)
        total += _STAGE_BYTES + sum(map(_value_bytes, values))
    return total


def model_ram_bytes(compiled: CompiledModel) -> int:
    """RAM of the model, to the byte: its arena between its guards, a counter per operator, its inputs and outputs."""
    tensors = len(compiled.inputs) + len(compiled.outputs)
    counters = 4 * len(compiled.model.operators)
    return aligned(compiled.arena_bytes) + _GUARD_BYTES + counters + _TENSOR_BYTES * tensors


def firmware_estimate(compiled: CompiledModel, *, port: str, target: str) -> Estimate:
    """The whole firmware on a port of `mcu.firmware.ports.PORTS`."""
    around = port_bytes(port)
    return Estimate(
        flash_bytes=engine_flash_bytes(compiled, target=target) + around.flash_bytes + PORT_SLACK_BYTES,
        ram_bytes=model_ram_bytes(compiled) + around.ram_bytes + RAM_SLACK_BYTES,
    )


def _value_bytes(value: Value) -> int:
    """At most: a field is never wider than 4 bytes, an array begins at a multiple of 8."""
    if value is None or isinstance(value, int | str | np.integer | TensorOffset):
        return 4
    if isinstance(value, Constant):
        if isinstance(value.values, np.ndarray):
            return 4 + aligned(value.values.nbytes)
        return 4 + aligned(sum(_value_bytes(cell) for row in value.values for cell in row))
    return sum(map(_value_bytes, value))
