"""The share of a paced line that is tensor bytes, and what the table compares it with."""

from __future__ import annotations

import pytest

from tests.benchmarks.bench_link import LIMITS, REQUIRED_PACED, mlperf_share, paced_share, stop_and_wait_share


def test_tensor_bytes_are_at_least_95_percent_of_a_line_of_921600_baud_with_a_millisecond_each_way():
    assert paced_share(LIMITS["virtual board, 2048 B"]) >= REQUIRED_PACED
    assert paced_share(LIMITS["1024 B x 4"]) >= REQUIRED_PACED


def test_the_firmwares_frames_leave_as_much():
    assert paced_share(LIMITS["firmware, 768 B x 2"]) > REQUIRED_PACED


def test_who_waits_for_every_answer_gets_half_of_it():
    assert stop_and_wait_share(256) == pytest.approx(0.54, abs=0.02)
    assert mlperf_share() == pytest.approx(0.12, abs=0.02)
