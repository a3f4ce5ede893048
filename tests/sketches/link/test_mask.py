"""The C device makes the same masks as the Python device, byte by byte, in the memory of its output."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcu.compiler.emit import sketches_folder
from mcu.firmware.gcc import SANITIZE, TARGETS, compile_objects, link
from mcu.protocol.frame import Frame, encode_frame
from mcu.protocol.messages import (
    Data,
    Feature,
    Fetch,
    Hello,
    Invoke,
    InvokeFlag,
    Message,
    Object,
    chunk_bytes,
)
from tests.mcu.protocol.loop import SESSION, Invert, make_board
from tests.mcu.protocol.masks import OUTPUTS, Segmenter
from tests.sketches.link.c_board import DEVICE, HERE, LIBRARY, LIMITS, CBoard
from tests.sketches.link.test_lockstep import _comparable
from tests.support import require

POST = sketches_folder() / "libraries" / "KerasTinyPost" / "src"
MASKS = ("kt_argmax", "kt_threshold", "kt_mask_pack", "kt_mask_runs")
LIMITS_NAME = "768"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("cc")
    folder, limits, host = tmp_path_factory.mktemp("mask"), LIMITS[LIMITS_NAME], TARGETS["host"]
    flags = (
        *("-O1", *SANITIZE, f"-I{LIBRARY}", f"-I{POST}", "-DKT_LINK_MASK"),
        *(f"-DKT_LINK_MAX_PAYLOAD={limits.max_payload_bytes}", f"-DKT_LINK_WINDOW={limits.window_bytes}U"),
    )
    sources = [
        HERE / "loop_board.c",
        *(LIBRARY / f"{name}.c" for name in (*DEVICE, "kt_mask_object")),
        *(POST / f"{name}.c" for name in MASKS),
    ]
    objects = compile_objects(host, sources, out_dir=folder, flags=flags)
    return link(host, objects, made=folder / "loop_board", flags=flags)


@pytest.fixture
def boards(program: Path) -> Iterator[list[CBoard]]:
    made: list[CBoard] = []
    yield made
    for board in made:
        board.close()


@pytest.mark.parametrize("output", OUTPUTS)
def test_any_order_of_fetches_gets_the_same_answers(program: Path, boards: list[CBoard], output: str):
    engine = Segmenter(output)
    python_board = make_board(engine, limits=LIMITS[LIMITS_NAME])
    boards.append(CBoard(program, engine))
    rng = random.Random(OUTPUTS[output][0][1])
    size = chunk_bytes(LIMITS[LIMITS_NAME].max_payload_bytes)
    script: list[Message] = [Hello(1, 1, 2048, nonce=1, features=Feature.MASK | Feature.HASH_ONLY)]
    for request in range(1, 13):
        pixels, _ = engine.scores(seed=request)
        script += [Data(request, 0, at, pixels[at : at + size]) for at in range(0, len(pixels), size)]
        script.append(Fetch(request, Object.MASK, 0, 0xFFFF_FFFF))
        script.append(Invoke(request, rng.choice([0, InvokeFlag.HASH_ONLY])))
        for _ in range(6):
            wanted = rng.choice([Object.RESULT, Object.MASK, Object.MASK_RUNS])
            if rng.random() < 0.3:
                script.append(Invoke(request))
            script.append(Fetch(request, wanted, rng.choice([0, 0, 3, 16]), rng.choice([5, 0xFFFF_FFFF])))
    for seq, message in enumerate(script):
        wire = encode_frame(Frame(message.frame_type, message.pack(), seq, SESSION))
        assert _comparable(boards[0].feed(wire)) == _comparable(python_board.feed(wire)), (seq, message)


def test_a_model_that_is_no_segmenter_has_no_masks(program: Path, boards: list[CBoard]):
    engine = Invert(inputs=(10,), outputs=(4, 700))
    python_board = make_board(engine, limits=LIMITS[LIMITS_NAME])
    boards.append(CBoard(program, engine))
    script = [
        Hello(1, 1, 2048, nonce=1, features=Feature.MASK),
        Data(1, 0, 0, bytes(10)),
        Invoke(1),
        Fetch(1, Object.MASK, 0, 99),
    ]
    for seq, message in enumerate(script):
        wire = encode_frame(Frame(message.frame_type, message.pack(), seq, SESSION))
        assert _comparable(boards[0].feed(wire)) == _comparable(python_board.feed(wire))
