"""Several boards at once: no board waits for another. The figure needs minutes; run it with `make bench`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.bench_fleet import REQUIRED_GAIN, measure
from tests.support import require


@pytest.mark.benchmark
@pytest.mark.timeout(900)
def test_four_boards_answer_at_least_3_8_times_as_much_as_one(tmp_path: Path):
    require("module:tflite_micro")
    gain = measure(tmp_path)
    print(f"\n{gain}")
    assert gain.exact
    assert gain.gain >= REQUIRED_GAIN


def test_two_boards_answer_their_own_samples_each(tmp_path: Path):
    require("module:tflite_micro")
    gain = measure(tmp_path, boards=2, seconds=0.1, baud=115200, side=8)
    assert gain.exact
    assert gain.gain > 0
