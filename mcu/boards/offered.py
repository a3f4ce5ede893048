"""Boards of other installed packages: an entry point of `mcu.boards` names a package whose folder holds TOMLs."""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from mcu.plugins import Plugin, PluginError, only, plugins

GROUP = "mcu.boards"


@dataclass(frozen=True)
class OfferedBoard:
    """A TOML of another package; its file name is the board's id."""

    path: Path
    plugin: Plugin

    def error(self, what: str) -> PluginError:
        """`The board 'my_f405' of the package acme-boards 1.0 <what>.`"""
        return PluginError(
            f"The board '{self.path.stem}' of the package {self.plugin.package} {what}.",
            hint=self.plugin.remedy,
        )


def offered_boards(taken: Collection[str]) -> tuple[dict[str, OfferedBoard], tuple[PluginError, ...]]:
    """id → board of every other package, and what is wrong with the rest; no code of theirs is run.

    Args:
        taken: ids that are described elsewhere, and stay what they are.
    """
    found: dict[str, OfferedBoard] = {}
    problems: list[PluginError] = []
    twice: set[str] = set()
    for offers in plugins(GROUP).values():
        try:
            for board in _boards_of(only("folder of boards", offers)):
                name = board.path.stem
                if name in taken:
                    problems.append(board.error("is described elsewhere already, and that one is used"))
                elif name in found:
                    other = found[name].plugin.package
                    problems.append(board.error(f"is described by {other} too, so neither is used"))
                    twice.add(name)
                else:
                    found[name] = board
        except PluginError as problem:
            problems.append(problem)
    return {name: board for name, board in sorted(found.items()) if name not in twice}, tuple(problems)


def _boards_of(plugin: Plugin) -> Iterator[OfferedBoard]:
    files = sorted(path for folder in _folders(plugin) for path in folder.glob("*.toml"))
    if not files:
        raise plugin.error("folder of boards", f"is '{plugin.value}', in which there is no .toml file")
    return (OfferedBoard(path, plugin) for path in files)


def _folders(plugin: Plugin) -> list[Path]:
    """Where the named package lies; found, not imported."""
    try:
        spec = importlib.util.find_spec(plugin.value)
    except Exception as error:  # a parent package is imported on the way, and may raise anything
        what = f"is not found at '{plugin.value}': {type(error).__name__}: {error}"
        raise plugin.error("folder of boards", what.rstrip(".")) from error
    if spec is None:
        raise plugin.error("folder of boards", f"is not found: there is no package '{plugin.value}'")
    if spec.submodule_search_locations is None:
        raise plugin.error("folder of boards", f"is '{plugin.value}', a module and not a package with TOMLs")
    return [Path(place) for place in spec.submodule_search_locations]
