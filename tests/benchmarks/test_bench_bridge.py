"""The bridge's rate where it is promised; run with `make bench`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.bench_bridge import HEADER, REQUIRED_RATIO, compare, describe, mobilenet_v2_file
from tests.support import require

DEMO_BUNDLE = Path(__file__).parents[2] / "build" / "demo" / "bundle"


@pytest.mark.benchmark
def test_mobilenet_v2_streams_at_no_less_than_four_fifths_of_the_direct_rate(tmp_path: Path):
    for module in ("tensorflow", "tf_keras", "tflite_micro"):
        require(f"module:{module}")
    result = compare(mobilenet_v2_file(tmp_path, width=0.35, side=96, channels=3), seconds=10)
    print(f"\n{HEADER}\n{describe(result)}")
    small = (
        DEMO_BUNDLE if DEMO_BUNDLE.is_dir() else mobilenet_v2_file(tmp_path, width=0.35, side=48, channels=3)
    )
    print(describe(compare(small, seconds=5)))
    assert result.ratio >= REQUIRED_RATIO
    assert result.stats.retransmits == result.stats.crc_errors == 0
