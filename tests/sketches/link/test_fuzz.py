"""The C frame reader takes nothing for a frame that is none, and no bytes make it leave its memory."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.sketches.link.c_board import FRAMES, HERE, LIMITS, build_program
from tests.support import require


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("cc")
    folder = tmp_path_factory.mktemp("fuzz")
    return build_program(HERE / "fuzz.c", out_dir=folder, limits=LIMITS["768"], modules=FRAMES)


def _intact(program: Path, kind: str, *, seed: int, count: int) -> int:
    done = subprocess.run([program, kind, str(seed), str(count)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_ten_million_random_bytes_hold_no_frame(program: Path):
    assert _intact(program, "random", seed=1, count=10_000_000) == 0


def test_none_of_two_hundred_thousand_mutated_frames_is_accepted(program: Path):
    assert _intact(program, "mutated", seed=2, count=200_000) == 0


@pytest.mark.slow
def test_a_hundred_million_random_bytes_hold_no_frame(program: Path):
    assert _intact(program, "random", seed=3, count=100_000_000) == 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_none_of_ten_million_mutated_frames_is_accepted(program: Path):
    assert _intact(program, "mutated", seed=4, count=10_000_000) == 0
