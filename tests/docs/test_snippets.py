"""Every block of README and docs runs as printed, or says in `snippets.py` which test runs it, or why nothing can."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from typer.main import get_command

from tests.docs.snippets import HOW, PARSED, ROOT, By, Not, Run, Snippet, Write, pages, snippets
from tests.docs.world import make_world
from tests.mcu.compiler.networks import mobilenet_v2
from tests.support import require

PROGRAMS = ("keras-tiny", "mcu", "pip", "make", "pytest", "python", "arduino-cli")
QUICK = [page for page, hows in HOW.items() if any(isinstance(how, Run) and not how.slow for how in hows)]
SLOW = [page for page, hows in HOW.items() if any(isinstance(how, Run) and how.slow for how in hows)]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require("module:tflite_micro")
    folder = tmp_path_factory.mktemp("world")
    make_world(folder)
    return folder


def run_page(page: str, folder: Path, *, slow: bool) -> None:
    """The page's blocks as one shell session, which fails at the first command that does."""
    script = ["set -e"]
    for snippet, how in zip(snippets(page), HOW[page], strict=True):
        if isinstance(how, Write):
            (folder / how.path).parent.mkdir(exist_ok=True)
            (folder / how.path).write_text(snippet.text, encoding="utf-8")
        if not isinstance(how, Run) or (how.slow and not slow):
            continue
        for tool in how.needs:
            require(tool)
        if snippet.language == "python":
            (folder / f"block_{snippet.number}.py").write_text(snippet.text, encoding="utf-8")
            script.append(f"python block_{snippet.number}.py")
        else:
            script.append(wait_for_ports(snippet.text))
    environment = {
        **os.environ,
        "HOME": str(folder),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    environment.pop("CI", None)  # what a page shows is what a person sees
    (folder / "script.sh").write_text("\n".join(script), encoding="utf-8")
    with (folder / "said.txt").open("w+", encoding="utf-8") as said:
        # A session of its own, so that what the page left in the background ends with it.
        shell = subprocess.Popen(
            ["sh", "-x", "script.sh"],
            cwd=folder,
            env=environment,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
        code = shell.wait()
        with suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGTERM)
        said.seek(0)
        assert code == 0, f"{page}\n{said.read()[-5000:]}"


def wait_for_ports(text: str) -> str:
    """A person types the next line when the port is there."""
    return re.sub(
        r"^(.*--pty (\S+).*&)$", r"\1\nwhile [ ! -e \2 ]; do sleep 0.1; done", text, flags=re.MULTILINE
    )


@pytest.mark.xdist_group("the world of the pages")  # which is made once
@pytest.mark.parametrize("page", QUICK)
def test_the_commands_of_a_page_run(page: str, world: Path, tmp_path: Path):
    run_page(page, Path(shutil.copytree(world, tmp_path / "world")), slow=False)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("page", SLOW)
def test_the_commands_of_a_page_that_take_long_run(page: str, world: Path, tmp_path: Path):
    require("module:tensorflow")
    run_page(page, Path(shutil.copytree(world, tmp_path / "world")), slow=True)


def test_every_block_has_its_way():
    """A new block is an error until `snippets.py` says what runs it."""
    for page in pages():
        found = snippets(page)
        if page in PARSED:
            continue
        hows = HOW.get(page, ())
        shown = [f"{snippet.number}: {snippet.language} {snippet.text.splitlines()[0]}" for snippet in found]
        assert len(found) == len(hows), f"{page} has the blocks {shown}; see tests/docs/snippets.py"
    assert set(HOW) <= set(pages())


def test_a_test_that_runs_a_block_exists():
    ways = [*PARSED.values(), *(how for hows in HOW.values() for how in hows if isinstance(how, By))]
    for way in ways:
        file, _, name = way.test.partition("::")
        functions = {node.name for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8")))
                     if isinstance(node, ast.FunctionDef)}  # fmt: skip
        assert name in functions, way.test


@pytest.mark.parametrize("page", pages())
def test_a_block_has_a_language_and_what_is_only_shown_is_no_command(page: str):
    text = (ROOT / page).read_text("utf-8")
    for language, block in re.findall(r"^```(.*?)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        assert language in ("sh", "python", "toml", "yaml", "c", "text"), block
        if language == "text":
            typed = [line for line in block.splitlines() if line.startswith(tuple(f"{p} " for p in PROGRAMS))]
            assert not typed, "a command belongs into a block of sh, which is run"


@pytest.mark.parametrize(
    "page", [page for page in HOW if any(isinstance(how, Not | By) for how in HOW[page])]
)
def test_a_command_that_is_not_run_parses(page: str):
    from keras_tiny.cli import app as keras_tiny
    from mcu.cli import app as mcu

    apps = {"keras-tiny": keras_tiny, "mcu": mcu}
    for words in (words for snippet in snippets(page) for words in commands(snippet)):
        verb, *rest = words[1:]
        command = get_command(apps[words[0]]).commands[verb]  # type: ignore[attr-defined]
        command.make_context(verb, rest)  # parses, and calls nothing


def commands(snippet: Snippet) -> list[list[str]]:
    """The lines of a shell block that call our two programs, as words."""
    if snippet.language != "sh":
        return []
    lines = [shlex.split(line, comments=True) for line in snippet.text.replace("\\\n", " ").splitlines()]
    cut = [words[: words.index(">")] if ">" in words else words for words in lines if words]
    return [words for words in cut if words[0] in ("keras-tiny", "mcu")]


def block(page: str, number: int) -> str:
    return snippets(page)[number].text


def test_the_operator_on_the_page_is_the_code_s():
    page = "docs/how_to/add_an_operator.md"
    header = (ROOT / "sketches/libraries/KerasTinyNN/src/kt_pool.h").read_text()
    declared = [line for line in block(page, 0).splitlines() if line.startswith("void ")]
    assert declared
    assert declared[0].rstrip(";") in header
    assert "int16_t in_width;" in header.partition("} kt_pool;")[0]
    source = (ROOT / "mcu/compiler/operators/pool.py").read_text()
    kernel, function = (line for line in block(page, 1).splitlines() if line)
    assert kernel in source
    assert function.removesuffix(" ...") in source


def test_the_map_of_boards_is_read(tmp_path: Path):
    from mcu.hil.hardware_map import read_hardware_map

    path = tmp_path / "boards.yml"
    path.write_text(block("docs/how_to/several_boards.md", 0))
    named = [entry["platform"] for entry in yaml.safe_load(path.read_text())]
    found = read_hardware_map(path)
    assert [mapped.board.id for mapped in found.boards] == named
    assert not found.left_out


def test_the_description_of_masks_reads_such_a_folder(tmp_path: Path):
    from keras_tiny import data

    (tmp_path / "masks.yaml").write_text(block("docs/how_to/train_a_segmenter.md", 1), encoding="utf-8")
    rng = np.random.default_rng(0)
    for split in ("train", "val", "test"):
        for kind in ("images", "labels"):
            (tmp_path / split / kind).mkdir(parents=True)
        for name in ("a", "b"):
            colours = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(colours).save(tmp_path / split / "images" / f"{name}.png")
            classes = np.array([0, 1, 2, 11], np.uint8)[rng.integers(0, 4, (16, 16))]
            Image.fromarray(classes).save(tmp_path / split / "labels" / f"{name}_mask.png")
    streets = data.load(f"paired_masks:{tmp_path}", image_size=16)
    assert streets.labels == ("road", "car", "sky")
    assert set(np.unique(streets.train[0].mask)) == {0, 1, 2, data.VOID}


def test_the_c_of_the_compiler_page_compiles(tmp_path: Path):
    from mcu.compiler import compile_model, emit

    require("cc")
    emit(compile_model(mobilenet_v2(), name="flowers"), tmp_path)
    include, arena, *body = [line for line in block("docs/reference/compiler.md", 1).splitlines() if line]
    lines = ("#include <string.h>", include, arena, "int8_t first(const int8_t *pixels);")
    function = ("int8_t first(const int8_t *pixels) {", *body, "return answer[0];", "}")
    (tmp_path / "main.c").write_text("\n".join((*lines, *function)) + "\n")
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path}"]
    done = subprocess.run(
        ["cc", *flags, "-c", "main.c", "-o", "main.o"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
