"""Compilers are found, missing ones are named with what installs them, and their own words reach the reader."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mcu.errors import ExitCode, MissingExtra
from mcu.firmware.gcc import TARGETS, CompileError, compile_objects, find_compiler, link, section_bytes
from tests.support import require


def test_a_missing_compiler_is_named_with_the_line_that_installs_it() -> None:
    target = replace(TARGETS["cortex_m4"], compiler=("no-such-gcc",))
    with pytest.raises(
        MissingExtra, match=r"cortex_m4: none of no-such-gcc .* apt-get install gcc-arm-none-eabi"
    ) as error:
        find_compiler(target)
    assert error.value.exit_code == ExitCode.MISSING_TOOL


def test_a_compile_error_carries_the_compilers_words(tmp_path: Path) -> None:
    require("cc")
    source = tmp_path / "bad.c"
    source.write_text("int f(void) { return missing; }\n")
    with pytest.raises(CompileError, match="missing"):
        compile_objects(TARGETS["host"], [source], out_dir=tmp_path)


def test_a_narrowing_conversion_is_an_error(tmp_path: Path) -> None:
    require("cc")
    source = tmp_path / "narrow.c"
    source.write_text("signed char f(int x);\nsigned char f(int x) { return x; }\n")
    with pytest.raises(CompileError, match="conversion"):
        compile_objects(TARGETS["host"], [source], out_dir=tmp_path)


def test_sizes_are_counted_by_section(tmp_path: Path) -> None:
    require("cc")
    source = tmp_path / "main.c"
    source.write_text(
        "char zeroed[5000];\nconst char constant[3000] = {1};\n"
        "int main(void) { return zeroed[0] + constant[1]; }\n"
    )
    objects = compile_objects(TARGETS["host"], [source], out_dir=tmp_path)
    sizes = section_bytes(TARGETS["host"], objects[0])
    assert sizes.bss >= 5000
    assert sizes.text >= 3000
    assert link(TARGETS["host"], objects, made=tmp_path / "main").stat().st_size > 0
