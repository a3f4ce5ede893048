"""KerasTinyPost's masks under sanitizers: the shared vectors, and random masks in step with Python."""

from __future__ import annotations

import json
import random
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mcu.compiler.emit import sketches_folder
from mcu.firmware.gcc import SANITIZE, TARGETS, compile_objects, link, section_bytes
from mcu.postprocess.masks import MaskError, decode_runs, encode_runs, pack
from tests.support import require
from tests.vectors.make_masks import PATH

VECTORS = json.loads(PATH.read_text())
LIBRARY = sketches_folder() / "libraries" / "KerasTinyPost" / "src"
SOURCES = [LIBRARY / f"kt_{name}.c" for name in ("argmax", "threshold", "mask_pack", "mask_runs")]
ARGMAX, THRESHOLD, PACK, UNPACK, ENCODE, DECODE, PACK_IN_PLACE = range(7)
ERR_SPACE, ERR_CLASS, ERR_BYTES, ERR_BITS = -1, -2, -3, -4

# (function, parameter, bytes of room for the answer, input)
Request = tuple[int, int, int, bytes]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("cc")
    folder = tmp_path_factory.mktemp("post")
    flags = ("-O1", *SANITIZE, f"-I{LIBRARY}")
    main = Path(__file__).with_name("masks.c")
    objects = compile_objects(TARGETS["host"], [main, *SOURCES], out_dir=folder, flags=flags)
    return link(TARGETS["host"], objects, made=folder / "post", flags=flags)


def ask(program: Path, requests: list[Request]) -> list[tuple[int, bytes]]:
    sent = b"".join(struct.pack("=iiII", f, a, room, len(data)) + data for f, a, room, data in requests)
    done = subprocess.run([program], input=sent, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    answers, at = [], 0
    while at < len(done.stdout):
        result, count = struct.unpack_from("=iI", done.stdout, at)
        answers.append((result, done.stdout[at + 8 : at + 8 + count]))
        at += 8 + count
    assert len(answers) == len(requests)
    return answers


def test_argmax_and_threshold(program: Path):
    requests: list[Request] = []
    for v in VECTORS["argmax"]:
        requests.append((ARGMAX, v["channels"], len(v["mask"]) // 2, bytes.fromhex(v["scores"])))
    for v in VECTORS["threshold"]:
        requests.append((THRESHOLD, v["above"], len(v["mask"]) // 2, bytes.fromhex(v["scores"])))
    expected = [(0, bytes.fromhex(v["mask"])) for v in [*VECTORS["argmax"], *VECTORS["threshold"]]]
    assert ask(program, requests) == expected


def test_masks_are_packed_and_unpacked(program: Path):
    for v in VECTORS["masks"]:
        mask = bytes.fromhex(v["mask"])
        for bits, text in v["packed"].items():
            packed = bytes.fromhex(text)
            requests = [
                (PACK, int(bits), len(packed), mask),
                (PACK_IN_PLACE, int(bits), 0, mask),
                (UNPACK, int(bits), len(mask), packed),
            ]
            expected = [(len(packed), packed), (len(packed), packed), (0, mask)]
            assert ask(program, requests) == expected, v["name"]


def test_masks_become_runs_and_runs_masks(program: Path):
    masks = [bytes.fromhex(v["mask"]) for v in VECTORS["masks"]]
    runs = [bytes.fromhex(v["runs"]) for v in VECTORS["masks"]]
    made = ask(program, [(ENCODE, 0, len(r), m) for m, r in zip(masks, runs, strict=True)])
    assert made == [(len(r), r) for r in runs]
    read = ask(program, [(DECODE, 0, len(m), r) for m, r in zip(masks, runs, strict=True)])
    assert read == [(0, m) for m in masks]


def test_what_is_no_mask_is_refused(program: Path):
    requests: list[Request] = [
        (DECODE, 0, v["pixels"], bytes.fromhex(v["runs"])) for v in VECTORS["not_runs"]
    ]
    requests += [(UNPACK, v["bits"], v["pixels"], bytes.fromhex(v["packed"])) for v in VECTORS["not_packed"]]
    assert ask(program, requests) == [(ERR_BYTES, b"")] * len(requests)


def test_every_other_mistake_has_its_error(program: Path):
    requests = [
        (PACK, 3, 9, b"\0" * 8),
        (UNPACK, 0, 8, b"\0"),
        (PACK, 1, 0, b"\1"),
        (PACK, 2, 9, b"\4"),
        (ENCODE, 0, 9, b"\x10"),
        (ENCODE, 0, 2, b"\1\2\3"),
        (ENCODE, 0, 1, b"\1" * 16),
    ]
    expected = [ERR_BITS, ERR_BITS, ERR_SPACE, ERR_CLASS, ERR_CLASS, ERR_SPACE, ERR_SPACE]
    assert [result for result, _ in ask(program, requests)] == expected


def test_random_masks_are_written_as_in_python(program: Path):
    rng = np.random.default_rng(0)
    masks = [
        rng.integers(0, 16, rng.integers(1, 40), np.uint8).repeat(rng.integers(1, 200)) for _ in range(200)
    ]
    masks += [rng.integers(0, 16, rng.integers(1, 300), np.uint8) for _ in range(100)]
    runs = [encode_runs(mask) for mask in masks]
    packed = [pack(mask, bits=4) for mask in masks]
    requests: list[Request] = [(ENCODE, 0, mask.size, mask.tobytes()) for mask in masks]
    requests += [(PACK, 4, mask.size, mask.tobytes()) for mask in masks]
    assert [data for _, data in ask(program, requests)] == [*runs, *packed]


def test_random_bytes_are_read_or_refused_as_in_python(program: Path):
    rng = random.Random(2)
    samples = [(rng.randrange(1, 90), rng.randbytes(rng.randrange(0, 14))) for _ in range(3000)]
    samples += [
        (rng.randrange(1, 40), bytes(rng.choices([0x11, 0x32, 0xF1, 0x03], k=4))) for _ in range(1000)
    ]
    expected: list[tuple[int, bytes]] = []
    for pixels, data in samples:
        try:
            expected.append((0, decode_runs(data, pixels=pixels).tobytes()))
        except MaskError:
            expected.append((ERR_BYTES, b""))
    assert ask(program, [(DECODE, 0, pixels, data) for pixels, data in samples]) == expected
    assert {result for result, _ in expected} == {0, ERR_BYTES}


@pytest.mark.parametrize("target", ["cortex_m4", "rv32imac"])
def test_masks_are_small_where_there_is_no_operating_system(tmp_path: Path, target: str):
    require(TARGETS[target].compiler[0])
    flags = ("-Os", "-ffreestanding", f"-I{LIBRARY}")
    objects = compile_objects(TARGETS[target], SOURCES, out_dir=tmp_path, flags=flags)
    sizes = [section_bytes(TARGETS[target], each) for each in objects]
    assert sum(size.text for size in sizes) <= 1024
    assert sum(size.data + size.bss for size in sizes) == 0
