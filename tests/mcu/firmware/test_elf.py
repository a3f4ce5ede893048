"""ELF files: what is in them is found, what is none is refused."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from mcu.errors import BadInput
from mcu.firmware.elf import Elf
from tests.support import require

SOURCE = "const int answer = 42; int zeroed[8]; int start(void) { return zeroed[0] + answer; }"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("arm-none-eabi-gcc")
    folder = tmp_path_factory.mktemp("elf")
    (folder / "a.c").write_text(SOURCE)
    made = folder / "a.elf"
    command = [
        "arm-none-eabi-gcc",
        "-nostdlib",
        "-Wl,-Ttext=0x1000",
        "-Wl,-estart",
        folder / "a.c",
        "-o",
        made,
    ]
    subprocess.run(command, check=True)
    return made


def test_symbols_and_bytes_are_found_where_the_linker_put_them(program: Path):
    elf = Elf.read(program)
    address = elf.symbols()["answer"]
    assert elf.read_at(address, 4) == (42).to_bytes(4, "little")
    assert sum(len(load.data) for load in elf.loads()) < 4096


def test_a_patch_changes_these_bytes_and_no_others(program: Path):
    elf, before = Elf.read(program), Elf.read(program)
    address = elf.symbols()["answer"]
    elf.patch(address, b"\x07")
    assert elf.read_at(address, 4) == (7).to_bytes(4, "little")
    assert sum(a != b for a, b in zip(elf.content, before.content, strict=True)) == 1


def test_zeroed_memory_has_no_bytes(program: Path):
    elf = Elf.read(program)
    with pytest.raises(BadInput, match="has no 4 bytes at"):
        elf.read_at(elf.symbols()["zeroed"], 4)


@pytest.mark.parametrize("content", [b"", b"MZ", b"\x7fELF\x02\x01" + bytes(100)])
def test_what_is_no_elf32_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="no 32-bit little-endian ELF"):
        Elf.read(path)


def test_random_content_behind_the_header_ends_in_an_answer_or_a_clear_error(program: Path, tmp_path: Path):
    rng = random.Random(0)
    original = program.read_bytes()
    path = tmp_path / "mutated"
    for _ in range(300):
        content = bytearray(original)
        for _ in range(rng.randrange(1, 8)):
            content[rng.randrange(16, len(content))] = rng.randrange(256)
        path.write_bytes(content)
        try:
            elf = Elf.read(path)
            elf.loads()
            elf.symbols()
        except BadInput:
            pass
