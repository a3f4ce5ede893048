"""What a hypervisor takes is read from the system's own figures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from keras_tiny.training.stolen import stolen_seconds


def test_steal_is_the_mean_over_the_cores_in_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stat = tmp_path / "stat"
    stat.write_text(
        "cpu  8594287 1025852 553735 2041855 23927 3 6911 206072 7 5\ncpu0 1 2 3 4 5 6 7 8 9 10\n"
    )
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert stolen_seconds(stat) == 206072 / os.sysconf("SC_CLK_TCK") / 4


@pytest.mark.parametrize("content", ["", "cpu  1 2 3\n", "cpu  1 2 3 4 5 6 7 eight 9 10\n"])
def test_a_system_that_does_not_say_has_lost_nothing(content: str, tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    assert stolen_seconds(stat) == 0.0
    stat.write_text(content)
    assert stolen_seconds(stat) == 0.0
