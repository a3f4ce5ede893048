"""The C link, compiled once per size of its buffers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.mcu.protocol.loop import Invert
from tests.sketches.link.c_board import HERE, LIMITS, CBoard, build_program
from tests.support import require

MakeBoard = Callable[[Invert], CBoard]


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    require("cc")
    return {
        name: build_program(
            HERE / "loop_board.c", out_dir=tmp_path_factory.mktemp(f"link_{name}"), limits=limits
        )
        for name, limits in LIMITS.items()
    }


@pytest.fixture(params=LIMITS)
def limits_name(request: pytest.FixtureRequest) -> str:
    """Of the payload: "768", the default, and "64", the smallest; "overlap", with memory for two inputs."""
    return str(request.param)


@pytest.fixture
def make_c_board(programs: dict[str, Path], limits_name: str) -> Iterator[MakeBoard]:
    """Starts devices; at the end of the test each must have run without a sanitizer's complaint."""
    boards = []

    def make(engine: Invert) -> CBoard:
        boards.append(CBoard(programs[limits_name], engine))
        return boards[-1]

    yield make
    for board in boards:
        board.close()
