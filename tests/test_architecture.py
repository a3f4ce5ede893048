"""Imports point one way: read from the source of every module, and checked in processes of their own."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = {"tensorflow", "tf_keras", "keras", "tensorflow_model_optimization"}

# The order of the data: a room may import the rooms before it, never one after it.
KERAS_TINY_ORDER = [
    "errors",
    "versions",
    "keras_api",
    "registry",
    "seeds",
    "recipe",
    "preprocessing",
    "boxes",
    "data",
    "blocks",
    "models",
    "losses",
    "metrics",
    "tasks",
    "quantization",
    "training",
    "profile",
    "export",
    "advise",
    "blame",
    "compare",
    "runs",
    "report",
    "demo",
    "doctor",
    "cli",
]
# What the training side may know of the board's side: files and facts, never a port.
MCU_SHARED = {"errors", "plugins", "tensor", "bundle", "boards", "tflite", "tflm", "console", "model_file"}
# `demo` tells the whole story, so it goes through the board too; `compare` reads the run record, which is a file;
# `advise` proposes only what `mcu fits` has passed.
MCU_SHARED_OF = {
    "demo": MCU_SHARED | {"hil"},
    "compare": MCU_SHARED | {"hil"},
    "advise": MCU_SHARED | {"firmware"},
}
# What the board's side may know of the training side: the rooms that need no TensorFlow.
KERAS_TINY_SHARED = {"data", "preprocessing", "boxes", "metrics", "report", "errors"}
# Which rooms of mcu may use them.
KERAS_TINY_USERS = {"hil", "bundle", "postprocess"}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def room(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[1] if len(parts) > 1 and parts[1] != "__init__" else ""


def imported(path: Path) -> set[str]:
    """Dotted names of what a file imports, anywhere in it, but not what only type checkers see."""
    names: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                names.update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                names.update(f"{child.module}.{alias.name}" for alias in child.names)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return names


def rooms_of(names: set[str], package: str) -> set[str]:
    return {name.split(".")[1] for name in names if name.startswith(package + ".")}


@pytest.mark.parametrize("path", modules("mcu"), ids=lambda path: str(path.relative_to(ROOT)))
def test_mcu_never_imports_tensorflow_or_keras(path: Path):
    assert not {name.split(".")[0] for name in imported(path)} & HEAVY


@pytest.mark.parametrize("path", modules("mcu"), ids=lambda path: str(path.relative_to(ROOT)))
def test_mcu_takes_from_keras_tiny_only_what_needs_no_tensorflow(path: Path):
    taken = rooms_of(imported(path), "keras_tiny")
    allowed = KERAS_TINY_SHARED if room(path) in KERAS_TINY_USERS else set()
    assert taken <= allowed


@pytest.mark.parametrize("path", modules("keras_tiny"), ids=lambda path: str(path.relative_to(ROOT)))
def test_keras_tiny_takes_from_mcu_only_files_and_facts(path: Path):
    assert rooms_of(imported(path), "mcu") <= MCU_SHARED_OF.get(room(path), MCU_SHARED)


@pytest.mark.parametrize("path", modules("keras_tiny"), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_of_keras_tiny_point_up_the_order_of_the_data(path: Path):
    here = room(path)
    if not here:
        return
    assert here in KERAS_TINY_ORDER, f"'{here}' is a new room: give it its place in the order of the data"
    later = set(KERAS_TINY_ORDER[KERAS_TINY_ORDER.index(here) + 1 :])
    assert not rooms_of(imported(path), "keras_tiny") & later


@pytest.mark.parametrize(
    "path",
    [path for name in sorted(KERAS_TINY_SHARED) for path in modules("keras_tiny") if room(path) == name],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_shared_rooms_of_keras_tiny_need_no_tensorflow(path: Path):
    names = imported(path)
    assert not {name.split(".")[0] for name in names} & HEAVY
    assert "keras_tiny.keras_api" not in {".".join(name.split(".")[:2]) for name in names}


def loaded_by(code: str) -> set[str]:
    """Top-level packages in sys.modules after running `code` in a new interpreter."""
    script = (
        f"{code}\nimport sys\nprint('\\n'.join(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import mcu",
        "import keras_tiny",
        "import mcu.cli",
        "import keras_tiny.cli",
        "import keras_tiny.data, keras_tiny.metrics, keras_tiny.report",
        "import keras_tiny.models; list(keras_tiny.models.MODELS.items())",
        "import mcu.hil",
    ],
)
def test_importing_loads_neither_tensorflow_nor_keras(code: str):
    assert not loaded_by(code) & HEAVY


@pytest.mark.parametrize("package", ["mcu", "keras_tiny"])
def test_only_one_file_knows_which_keras_it_is(package: str):
    allowed = {ROOT / "keras_tiny" / "keras_api.py"}
    direct = {
        path
        for path in modules(package)
        if {name.split(".")[0] for name in imported(path)} & {"tf_keras", "keras"}
    }
    assert direct <= allowed


@pytest.mark.parametrize("package", ["mcu", "keras_tiny"])
def test_no_pickle_and_no_unsafe_yaml_is_ever_loaded(package: str):
    for path in modules(package):
        text = path.read_text(encoding="utf-8")
        assert not {name.split(".")[0] for name in imported(path)} & {
            "pickle",
            "marshal",
            "shelve",
            "dill",
        }, path
        for call in ast.walk(ast.parse(text)):
            if not isinstance(call, ast.Call):
                continue
            name = ast.unparse(call.func)
            keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            assert name not in {"yaml.load", "yaml.full_load", "yaml.unsafe_load", "eval", "exec"}, path
            if name in {"np.load", "numpy.load"}:
                assert keywords.get("allow_pickle") == "False", path


@pytest.mark.parametrize("package", ["mcu.cli", "keras_tiny.cli"])
def test_a_command_line_starts_without_what_its_verbs_need(package: str):
    """`mcu --help` answers in half a second because of this: NumPy and pydantic alone take as long as the rest."""
    assert not loaded_by(f"import {package}") & {"numpy", "pydantic", "PIL", "jinja2", "serial"}
