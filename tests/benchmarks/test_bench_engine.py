"""The compiled engine's figures where they are promised; run with `make bench`."""

from __future__ import annotations

import pytest

from mcu.boards import get_board
from mcu.firmware.builder import build_firmware
from mcu.firmware.gcc import TARGETS
from tests.benchmarks import bench_engine
from tests.benchmarks.qemu_bench import MACHINES
from tests.mcu.compiler.networks import mobilenet_v2
from tests.support import require


@pytest.mark.benchmark
def test_mobilenet_v2_is_faster_and_smaller_than_promised_on_a_cortex_m4():
    machine = MACHINES["cortex_m4"]
    require("module:tflite_micro")
    require(machine.qemu[0])
    require(TARGETS[machine.target].compiler[0])
    measured = bench_engine.measure(mobilenet_v2(), machine, name="mobilenet_v2 0.35 96x96x3")
    print(f"\n{bench_engine.describe(measured)}\n{bench_engine.by_kind(measured)}")
    print(bench_engine.compare_with_the_field(measured.run.instructions))
    assert measured.run.instructions <= bench_engine.MAX_INSTRUCTIONS
    assert measured.compiled.arena_bytes <= bench_engine.MAX_ARENA_BYTES
    assert measured.beyond_weights_bytes <= bench_engine.MAX_BEYOND_WEIGHTS_BYTES
    size = build_firmware(mobilenet_v2(), board=get_board("qemu_stm32f405")).size
    assert size is not None
    constants = measured.compiled.const_bytes
    beyond = size.flash_bytes - constants["weights"] - constants["bias"]
    print(f"  the whole firmware beyond weights and biases: {beyond:,} B")
    assert beyond <= bench_engine.MAX_BEYOND_WEIGHTS_BYTES
