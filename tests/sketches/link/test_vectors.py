"""The vectors that hold for every implementation of the link, on the C one."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mcu.protocol.cobs import CobsError
from mcu.protocol.cobs import decode as cobs_decode
from mcu.protocol.frame import FrameReader, encode_frame
from mcu.virtual.board import LinkLimits
from tests.mcu.protocol.loop import SESSION, Invert
from tests.sketches.link.c_board import FRAMES, HERE, CBoard, build_program
from tests.support import require

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors/protocol.json").read_text())
LONGEST = LinkLimits(max_payload_bytes=2048, window_bytes=4 * 2040)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("cc")
    folder = tmp_path_factory.mktemp("vectors")
    return build_program(HERE / "vectors.c", out_dir=folder, limits=LONGEST, modules=FRAMES)


def _ask(program: Path, lines: list[str]) -> list[str]:
    done = subprocess.run([program], input="\n".join(lines), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [line.strip() for line in done.stdout.split("\n")[: len(lines)]]


def test_crc32(program: Path):
    answers = _ask(program, [f"crc32 {v['data'] or '.'}" for v in VECTORS["crc32"]])
    assert answers == [str(v["crc"]) for v in VECTORS["crc32"]]


def test_cobs_both_ways(program: Path):
    pairs = VECTORS["cobs"]
    assert _ask(program, [f"encode {v['decoded'] or '.'}" for v in pairs]) == [v["encoded"] for v in pairs]
    assert _ask(program, [f"decode {v['encoded']}" for v in pairs]) == [v["decoded"] for v in pairs]


def test_frames_both_ways(program: Path):
    for v in VECTORS["frames"]:
        shown = f"{v['type']} {v['version']} {v['seq']} {v['session']} .{v['payload']}"
        assert _ask(program, [f"frame {v['wire']}"]) == [shown], v.get("name")
        if v["flags"] == 0:  # the device sends no flags
            header = f"{v['type']} {v['version']} {v['seq']} {v['session']}"
            assert _ask(program, [f"write {header} {v['payload'] or '.'}"]) == [v["wire"]], v.get("name")


def test_what_is_no_frame(program: Path):
    for v in VECTORS["not_frames"]:
        assert _ask(program, [f"frame 00{v['wire']}00"])[0].replace("- ", "-").strip("-") == "", v["name"]


def test_random_bytes_decode_as_in_python(program: Path):
    rng = random.Random(0)
    samples = [rng.randbytes(rng.randrange(1, 600)).replace(b"\0", b"\1") for _ in range(200)]
    samples += [bytes(rng.choices(range(1, 6), k=rng.randrange(1, 40))) for _ in range(500)]
    expected = []
    for sample in samples:
        try:
            expected.append(cobs_decode(sample).hex())
        except CobsError:
            expected.append("-")
    assert _ask(program, [f"decode {sample.hex()}" for sample in samples]) == expected
    assert "-" in expected
    assert any(len(each) > 2 for each in expected)


def test_no_mutated_frame_is_taken_for_an_intact_one(program: Path):
    rng = random.Random(1)
    wires = []
    for v in VECTORS["frames"] * 60:
        body = bytearray(bytes.fromhex(v["wire"])[1:-1])
        for _ in range(rng.randrange(1, 4)):
            body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
        if bytes(body) != bytes.fromhex(v["wire"])[1:-1]:
            wires.append(b"\0" + bytes(body) + b"\0")
    answers = _ask(program, [f"frame {wire.hex()}" for wire in wires])
    intact = [sum(frame is not None for frame in FrameReader().feed(wire)) for wire in wires]
    assert sum(intact) == 0
    assert all("." not in answer for answer in answers)


def test_the_conversation(tmp_path_factory: pytest.TempPathFactory):
    require("cc")
    device = VECTORS["conversation"]["device"]
    limits = LinkLimits(max_payload_bytes=device["max_payload_bytes"], window_bytes=device["window_bytes"])
    folder = tmp_path_factory.mktemp("conversation")
    built = build_program(HERE / "loop_board.c", out_dir=folder, limits=limits)
    engine = Invert(inputs=device["inputs_bytes"], outputs=device["outputs_bytes"])
    board = CBoard(built, engine, session=SESSION)
    for step in VECTORS["conversation"]["steps"]:
        answer = board.feed(bytes.fromhex(step["host"]))
        assert _without_texts(answer) == _without_texts(bytes.fromhex(step["device"])), step["name"]
    board.close()


def _without_texts(wire: bytes) -> list[bytes | None]:
    """The frames; what an ERROR says to people may differ."""
    frames = []
    for frame in FrameReader().feed(wire):
        if frame is not None and frame.type == 0x1A:
            frames.append(encode_frame(frame)[:1] + frame.payload[:8])
        else:
            frames.append(None if frame is None else encode_frame(frame))
    return frames
