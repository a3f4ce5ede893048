"""The pipeline feeds the step with room to spare; run with `make bench`."""

from __future__ import annotations

import pytest

from tests.benchmarks import bench_pipeline
from tests.support import require


@pytest.mark.benchmark
def test_the_pipeline_alone_is_three_times_as_fast_as_the_step():
    require("module:tensorflow")
    measured = bench_pipeline.measure()
    print(f"\n{bench_pipeline.describe(measured)}")
    assert measured.pipeline_over_step >= bench_pipeline.MIN_PIPELINE_OVER_STEP
