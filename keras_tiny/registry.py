"""A table name → `module:attribute` that imports on call; near names for typos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from keras_tiny.errors import UnknownName


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

    Args:
        kind: what the names are names of, for error messages.
    """

    def __init__(self, kind: str, entries: Mapping[str, Entry]):
        self.kind = kind
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> Entry:
        if name not in self._entries:
            raise UnknownName(self.kind, name, self._entries)
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, name: str, entry: Entry) -> None:
        """Add an entry of the caller's own; a name that is taken is an error."""
        if name in self._entries:
            raise ValueError(f"{self.kind} '{name}' is already in the table")
        self._entries[name] = entry

    def load(self, name: str) -> Any:
        """Import and return what the name stands for."""
        module, _, attribute = self[name].target.partition(":")
        return getattr(import_module(module), attribute)
