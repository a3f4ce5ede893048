"""Naming rules: "{split}/img/{name}_rgb.jpg" says which files belong together, whatever folders people made."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from keras_tiny.errors import DataError

# Spellings of the three splits, in any case.
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}

_FIELDS = {"{split}": "split", "{name}": "name"}


@dataclass(frozen=True)
class Key:
    """What a picture and its mask have in common; `split` is empty where the rule has none."""

    split: str
    name: str


@dataclass(frozen=True)
class NamingRule:
    """A path below the data set's folder with `{name}`, perhaps `{split}`, and `*` for what differs freely.

    `{name}` may reach over folders ("city/frame_12"); `{split}` is a spelling of train, val or test; `*` stands for
    any characters but "/".

    Raises:
        DataError: for a rule without `{name}`, with unknown braces, or that leaves the folder.
    """

    text: str

    def __post_init__(self) -> None:
        braces = re.findall(r"\{[^}]*\}", self.text)
        if self.text.count("{name}") != 1 or not set(braces) <= set(_FIELDS) or len(braces) > 2:
            raise DataError(
                f"The naming rule '{self.text}' must have {{name}} once and may have {{split}} once.",
                hint='For example "{split}/images/{name}.jpg".',
            )
        if self.text.startswith("/") or ".." in self.text.split("/"):
            raise DataError(f"The naming rule '{self.text}' leaves the data set's folder.")

    @property
    def has_split(self) -> bool:
        return "{split}" in self.text

    def find(self, paths: Iterable[str]) -> tuple[dict[Key, str], list[str]]:
        """Key → path of the paths that follow the rule, and the others.

        Raises:
            DataError: for two paths with one key.
        """
        pattern = re.compile(self._pattern())
        found: dict[Key, str] = {}
        others: list[str] = []
        for path in paths:
            match = pattern.fullmatch(path)
            groups = match.groupdict() if match else {}
            split = SPLIT_NAMES.get(groups.get("split", "").lower(), "")
            if match is None or (self.has_split and not split):
                others.append(path)
                continue
            key = Key(split, groups["name"])
            if key in found:
                raise DataError(
                    f"{found[key]} and {path} both follow the rule '{self.text}' as '{key.name}'.",
                    hint="Make the rule stricter, or remove one.",
                )
            found[key] = path
        return found, others

    def example(self, key: Key) -> str:
        """The path that a key would have."""
        return self.text.replace("{split}", key.split).replace("{name}", key.name)

    def _pattern(self) -> str:
        parts = re.split(r"(\{split\}|\{name\}|\*)", self.text)
        special = {"{split}": "(?P<split>[^/]+)", "{name}": "(?P<name>.+)", "*": "[^/]*"}
        return "".join(special.get(part, re.escape(part)) for part in parts)
