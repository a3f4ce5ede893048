"""Thresholds for CI: each is met, missed, or missed because its figure is not known."""

from __future__ import annotations

from typing import Any

import pytest

from keras_tiny.compare import Subject, gate
from keras_tiny.errors import BadInput

BUNDLE = Subject(
    path="b",
    kind="bundle",
    name="b",
    metric="accuracy",
    score_float=0.96,
    score_ptq=0.93,
    score_qat=0.95,
    tflite_bytes=1000,
    arena_bytes=2400,
    arena_bytes_32bit=2000,
)
RUN = Subject(
    path="r",
    kind="run record",
    name="r",
    metric="map50",
    score_float=0.9,
    score_qat=0.89,
    score_board=0.88,
    ram_bytes=1800,
    board="nucleo_f446re",
    latency_us=900.0,
    instructions=5000,
    bit_exact=False,
)


@pytest.mark.parametrize(
    ("subject", "threshold", "value", "name", "received", "ok"),
    [
        (BUNDLE, "min_accuracy", 0.95, "accuracy (QAT)", 0.95, True),
        (BUNDLE, "min_accuracy", 0.951, "accuracy (QAT)", 0.95, False),
        (BUNDLE, "max_drop", 0.01, "accuracy, float minus QAT", 0.01, True),
        (BUNDLE, "max_drop", 0.009, "accuracy, float minus QAT", 0.01, False),
        (BUNDLE, "max_arena_bytes", 2000, "arena_bytes (32-bit estimate)", 2000, True),
        (BUNDLE, "max_flash_bytes", 999, "flash_bytes (the int8 file)", 1000, False),
        (BUNDLE, "max_latency_us", 100.0, "latency_us (median)", None, False),
        (BUNDLE, "bit_exact", True, "bit_exact", None, False),
        (RUN, "min_accuracy", 0.88, "map50 (board)", 0.88, True),
        (RUN, "max_drop", 0.01, "map50, float minus board", 0.02, False),
        (RUN, "max_arena_bytes", 1799, "arena_bytes (on nucleo_f446re)", 1800, False),
        (RUN, "max_instructions", 5000, "instructions", 5000, True),
        (RUN, "max_latency_us", 900.0, "latency_us (median)", 900.0, True),
        (RUN, "bit_exact", True, "bit_exact", False, False),
    ],
)
def test_a_threshold_is_checked_on_the_figure_nearest_to_the_board(
    subject: Subject, threshold: str, value: Any, name: str, received: Any, ok: bool
):
    (check,) = gate(subject, **{threshold: value})
    assert (check.name, check.received, check.ok) == (name, received, ok)
    assert bool(check.hint) == (received is None)


def test_every_threshold_that_is_given_is_checked():
    checks = gate(RUN, min_accuracy=0.99, max_drop=0.5, max_arena_bytes=1, bit_exact=True)
    assert [check.ok for check in checks] == [False, True, False, False]


def test_a_gate_without_thresholds_is_a_mistake():
    with pytest.raises(BadInput, match="No threshold"):
        gate(BUNDLE)
