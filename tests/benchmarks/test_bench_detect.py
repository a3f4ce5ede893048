"""What finding objects costs on the board, in instructions, which no computer's load changes."""

from __future__ import annotations

import pytest

from tests.benchmarks.bench_detect import bench_detect
from tests.support import require


@pytest.mark.slow
@pytest.mark.benchmark
def test_finding_the_objects_of_6132_anchors_costs_little_beside_the_network():
    """172,320 instructions when this was written; the smallest network there has 34 million multiply-accumulates."""
    require("arm-none-eabi-gcc")
    require("qemu-system-arm")
    instructions, objects = bench_detect(classes=2, sure=40)
    assert objects > 5
    assert instructions < 250_000
