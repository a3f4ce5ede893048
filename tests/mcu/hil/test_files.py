"""The files of a run: beside the bundle, all new or all as they were."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mcu.errors import BadInput
from mcu.hil.files import default_folder, write_together


def test_the_folder_is_named_after_bundle_and_board():
    assert default_folder(Path("build/flowers"), board_id="virtual") == Path("build/flowers-hil-virtual")


def test_a_bundle_named_by_a_dot_has_its_folder_beside_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "flowers").mkdir()
    monkeypatch.chdir(tmp_path / "flowers")
    assert default_folder(Path(), board_id="virtual") == tmp_path.resolve() / "flowers-hil-virtual"


def test_files_are_written_readable_for_others_and_nothing_else_stays(tmp_path: Path):
    write_together(tmp_path / "new", {"a": b"1", "b": b"2"})
    assert {p.name: p.read_bytes() for p in (tmp_path / "new").iterdir()} == {"a": b"1", "b": b"2"}
    assert stat.S_IMODE((tmp_path / "new" / "a").stat().st_mode) == 0o644


def test_a_file_that_cannot_be_written_leaves_all_as_they_were(tmp_path: Path):
    write_together(tmp_path, {"a": b"old"})
    with pytest.raises(BadInput, match="Cannot write into"):
        write_together(tmp_path, {"a": b"new", "no/such/folder": b"x"})
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"
