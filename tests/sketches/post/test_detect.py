"""KerasTinyPost's detections under sanitizers, to the bit those of the Python twin."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mcu.compiler.emit import sketches_folder
from mcu.firmware.gcc import SANITIZE, TARGETS, compile_objects, link
from mcu.postprocess.detect import detect_int8, to_c
from tests.mcu.postprocess.detectors import SMALL, outputs, tables
from tests.support import require

LIBRARY = sketches_folder() / "libraries" / "KerasTinyPost" / "src"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("cc")
    folder = tmp_path_factory.mktemp("detect")
    (folder / "detector.h").write_text(to_c(tables()))
    flags = ("-O1", *SANITIZE, f"-I{LIBRARY}", f"-I{folder}")
    sources = [Path(__file__).with_name("detect.c"), LIBRARY / "kt_detect.c"]
    objects = compile_objects(TARGETS["host"], sources, out_dir=folder, flags=flags)
    return link(TARGETS["host"], objects, made=folder / "detect", flags=flags)


def test_the_board_s_c_finds_what_python_finds_to_the_bit(program: Path):
    rng = np.random.default_rng(0)
    pictures = [outputs(seed, sure=sure) for seed, sure in enumerate((0, 1, 30, 300, 800))]
    # Any bytes at all: every anchor an object, thousands of ties, more candidates than there is room for.
    for _ in range(5):
        pictures.append(
            (
                rng.integers(-128, 128, (SMALL.count, 4), np.int8),
                rng.integers(-128, 128, (SMALL.count, 4), np.int8),
            )
        )
    sent = b"".join(classes.tobytes() + boxes.tobytes() for classes, boxes in pictures)
    done = subprocess.run([program], input=sent, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    at, numbers = 0, []
    for classes, boxes in pictures:
        (count,) = struct.unpack_from("=I", done.stdout, at)
        rows = np.frombuffer(done.stdout, "=u4,=f4,4=f4", count, at + 4)
        at += 4 + rows.nbytes
        expected = detect_int8(classes, boxes, tables())
        assert rows["f0"].tolist() == expected.classes.tolist()
        assert rows["f1"].tobytes() == expected.scores.tobytes()
        assert rows["f2"].tobytes() == np.ascontiguousarray(expected.corners).tobytes()
        numbers.append(count)
    assert at == len(done.stdout)
    assert len(set(numbers)) > 2
    assert max(numbers) == 100
