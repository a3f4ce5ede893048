"""Pages made from code are what the code says today, and their examples are commands that parse."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from mcu.compiler.operators import EMITTERS
from mcu.compiler.operators_page import kernels_of
from mcu.errors import ExitCode
from tests.docs.cli_page import MEANINGS, examples
from tests.docs.pages import PAGES, REFERENCE

KERNELS = Path(__file__).parents[2] / "sketches/libraries/KerasTinyNN/src"
NO_KERNELS = {"kt_run.c"}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_its_command_writes(name: str):
    page = (REFERENCE / name).read_text(encoding="utf-8")
    assert page == PAGES[name](), "run: python -m tests.docs.pages (or make pages)"


def test_every_exit_code_has_a_meaning():
    assert set(MEANINGS) == set(ExitCode)


@pytest.mark.parametrize("example", [*examples()])
def test_an_example_of_the_command_line_parses(example: str):
    from keras_tiny.cli import app as keras_tiny
    from mcu.cli import app as mcu

    program, verb, *words = shlex.split(example)
    command = get_command({"keras-tiny": keras_tiny, "mcu": mcu}[program]).commands[verb]  # type: ignore[attr-defined]
    command.make_context(verb, words)  # parses, and calls nothing


def test_every_c_file_of_a_kernel_is_on_the_page_of_operators():
    sources = {kernel.source for emitter in EMITTERS.values() for kernel in kernels_of(emitter)}
    assert sources | NO_KERNELS == {path.name for path in KERNELS.glob("*.c")}


def test_a_kernel_of_the_page_is_defined_in_the_file_beside_it():
    for emitter in EMITTERS.values():
        kernels = {*kernels_of(emitter)}
        assert kernels
        for kernel in kernels:
            assert f"{kernel.function}(" in (KERNELS / kernel.source).read_text(), kernel
