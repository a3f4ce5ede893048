"""The model image in C and in Python, on the same vectors; damaged ones under the sanitizers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mcu.compiler.emit import sketches_folder
from mcu.errors import BadInput
from mcu.firmware.gcc import SANITIZE, TARGETS, compile_objects, link
from mcu.flash.model_image import unpack
from tests.support import require
from tests.vectors.make_model_image import vectors

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors/model_image.json").read_text()
)
LIBRARIES = sketches_folder() / "libraries"
TFLM, LINK = LIBRARIES / "KerasTinyTFLM" / "src", LIBRARIES / "KerasTinyLink" / "src"
SOURCES = (TFLM / "kt_model_image.c", LINK / "kt_crc32.c")
INCLUDE = (f"-I{TFLM}", f"-I{LINK}")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("cc")
    folder = tmp_path_factory.mktemp("image")
    flags = ["-O1", *SANITIZE, *INCLUDE]
    main = Path(__file__).with_name("image.c")
    objects = compile_objects(TARGETS["host"], [main, *SOURCES], out_dir=folder, flags=flags)
    return link(TARGETS["host"], objects, made=folder / "image", flags=flags)


def test_the_vectors_are_those_of_their_script():
    assert vectors() == VECTORS


def test_c_opens_and_refuses_as_the_vectors_say(program: Path):
    lines = "\n".join(vector["image"] or "." for vector in VECTORS)
    done = subprocess.run([program, "open"], input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for vector, answer in zip(VECTORS, done.stdout.splitlines(), strict=True):
        expected = str(vector["code"])
        if vector["code"] == 0:
            expected += f" {vector['crc32']} {vector['arena_bytes']} {vector['sha256']} {vector['model']}"
        assert answer == expected, vector["what"]


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["what"] for vector in VECTORS])
def test_python_opens_and_refuses_as_the_vectors_say(vector: dict[str, Any]):
    content = bytes.fromhex(vector["image"])
    if vector["code"] != 0:
        with pytest.raises(BadInput):
            unpack(content)
        return
    image = unpack(content)
    assert (image.model_bytes.hex(), image.sha256) == (vector["model"], vector["sha256"])
    assert image.arena_bytes == vector["arena_bytes"]


def test_none_of_three_hundred_thousand_damaged_images_is_taken(program: Path):
    done = subprocess.run([program, "fuzz", "5", "300000"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 0


@pytest.mark.parametrize("target", ["cortex_m4", "rv32imc", "xtensa_lx106"])
def test_the_reader_is_warning_free_without_a_hosted_library(target: str, tmp_path: Path):
    require(TARGETS[target].compiler[0])
    flags = ["-Os", "-ffreestanding", *INCLUDE]
    made = compile_objects(TARGETS[target], SOURCES, out_dir=tmp_path, flags=flags)
    assert all(path.is_file() for path in made)
