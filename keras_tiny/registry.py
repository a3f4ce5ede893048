"""A table name → `module:attribute` that imports on call, with what other packages add; near names for typos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

from keras_tiny.errors import UnknownName
from mcu.plugins import Plugin, PluginError, only, plugins

TASKS = ("classification", "detection", "segmentation")


@dataclass(frozen=True)
class Entry:
    """Where a named thing lives, and what is said of it before it is imported.

    Attributes:
        target: "package.module:attribute".
        task: "classification", "detection", "segmentation", or empty where it does not apply.
        paper: title and arXiv number, or where the architecture was first described.
    """

    target: str
    task: str = ""
    paper: str = ""


class Registry(Mapping[str, Entry]):
    """An explicit table; nothing is imported until `load`.

    Behind its own entries stand those of other installed packages: entry points of `group`, each naming an `Entry`.
    Their metadata is read when a name is not in the table, or all are listed. Listing leaves out what cannot be used;
    asking for it by name is an error that names the package (docs/how_to/write_a_plugin.md).

    Args:
        kind: what the names are names of, for error messages.
        group: of the entry points; empty for a table that other packages cannot add to.
    """

    def __init__(self, kind: str, entries: Mapping[str, Entry], *, group: str = ""):
        self.kind = kind
        self.group = group
        self._entries = dict(entries)

    @property
    def own(self) -> Mapping[str, Entry]:
        """The table without what other packages add: what pages and measured tables are made of."""
        return MappingProxyType(self._entries)

    def __getitem__(self, name: str) -> Entry:
        if name in self._entries:
            return self._entries[name]
        offered = self._offered()
        if name in offered:
            return self._row(only(self.kind, offered[name]))
        raise UnknownName(self.kind, name, [*self._entries, *offered])

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._offered()

    def __iter__(self) -> Iterator[str]:
        usable, _ = self._sorted_out()
        return iter([*self._entries, *usable])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def problems(self) -> tuple[PluginError, ...]:
        """What other packages offer and cannot be used, one error each; for listings and doctors to show."""
        return self._sorted_out()[1]

    def add(self, name: str, entry: Entry) -> None:
        """Add an entry of the caller's own; a name that is taken is an error."""
        if name in self._entries:
            raise ValueError(f"{self.kind} '{name}' is already in the table")
        self._entries[name] = entry

    def load(self, name: str) -> Any:
        """Import and return what the name stands for."""
        entry = self[name]
        module, _, attribute = entry.target.partition(":")
        if name in self._entries:
            return getattr(import_module(module), attribute)
        plugin = only(self.kind, self._offered()[name])
        try:
            found = getattr(import_module(module), attribute)
        except Exception as error:
            what = f"cannot be imported from '{entry.target}': {type(error).__name__}: {error}"
            raise plugin.error(self.kind, what.rstrip(".")) from error
        if not callable(found):
            raise plugin.error(self.kind, f"is a {type(found).__name__}, not a function ('{entry.target}')")
        return found

    def _offered(self) -> Mapping[str, tuple[Plugin, ...]]:
        return plugins(self.group) if self.group else {}

    def _row(self, plugin: Plugin) -> Entry:
        """The plugin's `Entry`, checked."""
        row = plugin.load(self.kind)
        if not isinstance(row, Entry):
            what = f"is a {type(row).__name__}, not a keras_tiny.registry.Entry ('{plugin.value}')"
            raise plugin.error(self.kind, what)
        if row.task not in TASKS:
            raise plugin.error(self.kind, f"has the task '{row.task}', not one of {', '.join(TASKS)}")
        module, colon, attribute = row.target.partition(":")
        if not (module and colon and attribute):
            raise plugin.error(self.kind, f"has the target '{row.target}', not 'package.module:function'")
        return row

    def _sorted_out(self) -> tuple[list[str], tuple[PluginError, ...]]:
        """Names of other packages that can be used, and why the others cannot."""
        usable: list[str] = []
        problems: list[PluginError] = []
        for name, offers in sorted(self._offered().items()):
            try:
                if name in self._entries:
                    raise offers[0].error(self.kind, "has a name that is keras-tiny's own, which is used")
                self._row(only(self.kind, offers))
                usable.append(name)
            except PluginError as problem:
                problems.append(problem)
        return usable, tuple(problems)
