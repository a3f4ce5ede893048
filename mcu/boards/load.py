"""Find boards by name: packaged ones, those of the caller's folders, those of other installed packages."""

from __future__ import annotations

import difflib
from pathlib import Path

from mcu.boards.board import PACKAGED_BOARDS, Board, board_files, read_board
from mcu.boards.offered import OfferedBoard, offered_boards
from mcu.errors import BadInput
from mcu.plugins import PluginError


def load_boards(*, folder: str | Path | None = None) -> dict[str, Board]:
    """Every board by id, in the order of their names; boards of other packages that cannot be used are left out.

    Args:
        folder: a folder with TOMLs of the caller's own, beside those of KERAS_TINY_BOARDS.
    """
    boards, _ = _all(folder)
    return dict(sorted(boards.items()))


def packaged_boards() -> dict[str, Board]:
    """The boards of keras-tiny itself, whatever else is installed or named: what pages are made of."""
    return {path.stem: read_board(path) for path in sorted(PACKAGED_BOARDS.glob("*.toml"))}


def board_problems(*, folder: str | Path | None = None) -> tuple[PluginError, ...]:
    """Why boards of other packages are left out, one error each that names the package."""
    return _all(folder)[1]


def get_board(name: str, *, folder: str | Path | None = None) -> Board:
    """The board of that id; BadInput with near names for a typing error."""
    files = board_files(folder)
    if name in files:  # without a look at every installed package
        return read_board(files[name])
    offered, problems = offered_boards(files)
    if name in offered:
        return _read(offered[name])
    known = [*files, *offered]
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(sorted(known))}."
    unusable = "".join(f" {problem.message}" for problem in problems)
    raise BadInput(f"There is no board named '{name}'.{unusable}", hint=hint)


def _all(folder: str | Path | None) -> tuple[dict[str, Board], tuple[PluginError, ...]]:
    files = board_files(folder)
    boards = {name: read_board(path) for name, path in files.items()}
    offered, unusable = offered_boards(files)
    problems = [*unusable]
    for name, board in offered.items():
        try:
            boards[name] = _read(board)
        except PluginError as problem:
            problems.append(problem)
    return boards, tuple(problems)


def _read(board: OfferedBoard) -> Board:
    try:
        return read_board(board.path)
    except BadInput as error:
        raise board.error(f"cannot be used: {error.message.rstrip('.')}") from error
