"""A package that does not work is one error that names it, when it is asked for; the garden goes on working."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from keras_tiny.registry import Entry, Registry
from mcu.boards import board_problems, get_board, load_boards
from mcu.boards.board import PACKAGED_BOARDS
from mcu.errors import BadInput
from mcu.plugins import PluginError
from tests.plugins.fixtures import write_package

ROWS = """
from keras_tiny.registry import Entry
GOOD = Entry("good_nets:net", task="classification")
NO_MODULE = Entry("gone_nets:net", task="classification")
NO_FUNCTION = Entry("good_nets:gone", task="classification")
NOT_CALLED = Entry("good_nets:number", task="classification")
NO_TASK = Entry("good_nets:net", task="clasification")
NO_COLON = Entry("good_nets", task="classification")
WRONG_TYPE = "good_nets:net"
"""
NETS = "number = 7\ndef net(): return 'built'\n"

# entry point → what its error says
BAD = {
    "missing": ("gone_rows:GOOD", "ModuleNotFoundError: No module named 'gone_rows'"),
    "raises": ("raising_rows:GOOD", "RuntimeError: no licence file"),
    "no_row": ("good_rows:GONE", "AttributeError"),
    "no_module": ("good_rows:NO_MODULE", "ModuleNotFoundError: No module named 'gone_nets'"),
    "no_function": ("good_rows:NO_FUNCTION", "AttributeError"),
    "not_called": ("good_rows:NOT_CALLED", r"is a int, not a function"),
    "no_task": ("good_rows:NO_TASK", r"has the task 'clasification', not one of classification"),
    "no_colon": ("good_rows:NO_COLON", r"not 'package.module:function'"),
    "wrong_type": ("good_rows:WRONG_TYPE", r"is a str, not a keras_tiny.registry.Entry"),
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.fixture
def table(site: Path) -> Registry:
    """A table with a name of its own, one good package and one that is bad in every way."""
    write_package(
        site,
        "good-nets",
        points={"test.models": {"good": "good_rows:GOOD"}},
        files={"good_rows.py": ROWS, "good_nets.py": NETS},
    )
    write_package(
        site,
        "bad-nets",
        points={"test.models": {name: value for name, (value, _) in BAD.items()}},
        files={"raising_rows.py": "raise RuntimeError('no licence file')\n"},
    )
    return Registry("model", {"own": Entry("builtins:len")}, group="test.models")


@pytest.mark.parametrize("name", BAD)
def test_a_bad_row_is_one_error_that_names_the_package_and_what_to_do(table: Registry, name: str):
    with pytest.raises(PluginError, match=BAD[name][1]) as raised:
        table.load(name)
    assert f"The model '{name}' of the package bad-nets 0.3 " in raised.value.message
    assert "pip uninstall bad-nets" in raised.value.hint


def test_the_others_go_on_working_beside_it(table: Registry):
    assert table.load("own") is len
    assert table.load("good")() == "built"
    # Rows whose function is missing look good until they are called for: nothing heavy is imported to list them.
    assert set(table) == {"own", "good", "no_module", "no_function", "not_called"}
    assert len(table) == 5
    assert len(table.problems()) == len(BAD) - 3
    assert dict(table.own) == {"own": Entry("builtins:len")}


def test_a_name_of_two_packages_is_an_error_that_names_both(site: Path, table: Registry):
    write_package(site, "other-nets", points={"test.models": {"good": "good_rows:GOOD"}})
    fresh = Registry("model", {}, group="test.models")
    # sys.path did not change: a new process would look again, this one is told to.
    from mcu import plugins

    plugins._plugins.cache_clear()
    with pytest.raises(PluginError, match=r"several packages: good-nets 0\.3 and other-nets 0\.3"):
        fresh.load("good")


def test_a_name_of_the_garden_stays_the_garden_s(site: Path):
    write_package(site, "thief", points={"test.thief": {"own": "gone:ROW"}})
    table = Registry("model", {"own": Entry("builtins:len")}, group="test.thief")
    assert table.load("own") is len
    (problem,) = table.problems()
    assert "'own' of the package thief 0.3 has a name that is keras-tiny's own" in problem.message


def test_the_list_of_models_shows_the_rest_and_says_what_is_left_out(site: Path):
    from keras_tiny.cli import app

    write_package(site, "bad-nets", points={"keras_tiny.models": {"broken": "gone_rows:ROW"}})
    done = CliRunner().invoke(app, ["models"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "mobilenet_v2" in done.stdout
    assert "broken" not in done.stdout
    assert "error: The model 'broken' of the package bad-nets 0.3 cannot be imported" in done.stderr


GOOD_BOARD = (PACKAGED_BOARDS / "nucleo_f446re.toml").read_text()
BAD_BOARDS = {
    "a package that is not there": ("gone_boards", {}, "there is no package 'gone_boards'"),
    "a package in one that raises": ("raising.boards", {"raising/__init__.py": "1 / 0"}, "ZeroDivisionError"),
    "a module": ("one_module", {"one_module.py": ""}, "a module and not a package with TOMLs"),
    "a folder without boards": ("empty_boards", {"empty_boards/__init__.py": ""}, "there is no .toml file"),
    "a misspelt key": ("a_boards", {"a_boards/mine.toml": "nam = 'x'\n" + GOOD_BOARD}, "key 'nam'"),
    "a board of ours": ("b_boards", {"b_boards/virtual.toml": GOOD_BOARD}, "described elsewhere already"),
}


@pytest.mark.parametrize("case", BAD_BOARDS)
def test_a_bad_folder_of_boards_names_the_package_and_hides_no_other_board(site: Path, case: str):
    value, files, said = BAD_BOARDS[case]
    write_package(site, "bad-boards", points={"mcu.boards": {"bad": value}}, files=files)
    write_package(
        site,
        "good-boards",
        points={"mcu.boards": {"good": "good_boards"}},
        files={"good_boards/good.toml": GOOD_BOARD},
    )
    (problem,) = board_problems()
    assert said in problem.message
    assert "of the package bad-boards 0.3" in problem.message
    assert "pip uninstall bad-boards" in problem.hint
    packaged = {path.stem for path in PACKAGED_BOARDS.glob("*.toml")}
    assert set(load_boards()) == packaged | {"good"}
    assert get_board("good").chip == get_board("nucleo_f446re").chip


def test_a_board_of_two_packages_is_neither_s_and_the_error_says_whose(site: Path):
    for name in ("one", "two"):
        write_package(
            site, name, points={"mcu.boards": {name: name}}, files={f"{name}/mine.toml": GOOD_BOARD}
        )
    assert "mine" not in load_boards()
    with pytest.raises(BadInput, match=r"of the package (one|two) 0\.3 is described by (one|two) 0\.3 too"):
        get_board("mine")


def test_the_list_of_boards_shows_the_rest_and_says_what_is_left_out(site: Path):
    from mcu.cli import app

    write_package(site, "bad-boards", points={"mcu.boards": {"bad": "gone_boards"}})
    done = CliRunner().invoke(app, ["boards"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "nucleo_f446re" in done.stdout
    assert "error: The folder of boards 'bad' of the package bad-boards 0.3 is not found" in done.stderr


def test_the_doctor_has_a_line_for_each_with_its_fix(site: Path):
    from keras_tiny.doctor import other_packages

    assert other_packages() == []
    points = {
        group: {"broken": "gone:ROW"} for group in ("keras_tiny.models", "keras_tiny.data", "mcu.boards")
    }
    write_package(site, "bad-nets", points=points)
    from mcu import plugins

    plugins._plugins.cache_clear()
    checks = other_packages()
    assert len(checks) == 3
    assert not any(check.ok for check in checks)
    assert all("bad-nets 0.3" in check.detail and "pip uninstall bad-nets" in check.fix for check in checks)
