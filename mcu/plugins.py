"""What other installed packages add: their entry points by group, looked up only when a name asks for them.

Source: PyPA, Entry points specification, https://packaging.python.org/en/latest/specifications/entry-points/
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mcu.errors import BadInput


class PluginError(BadInput):
    """What another package offers cannot be used; the message names the package. Everything else goes on working."""


@dataclass(frozen=True)
class Plugin:
    """One line of another package's entry points.

    Attributes:
        name, value: as in its pyproject.toml, `name = "value"`.
        package: name and version of the distribution, "acme-garden 1.0"; who is told when it does not work.
    """

    name: str
    value: str
    package: str
    point: EntryPoint

    @property
    def remedy(self) -> str:
        """What to try when it does not work."""
        return f"Repair or update it, or: pip uninstall {self.package.split()[0]}"

    def load(self, kind: str) -> Any:
        """Import what the line names; whatever its module raises becomes one error.

        Args:
            kind: what it was to be, "model", for the message.
        """
        try:
            return self.point.load()
        except Exception as error:
            raise self.error(kind, f"cannot be imported from '{self.value}': {_said(error)}") from error

    def error(self, kind: str, what: str) -> PluginError:
        """`The model 'acme_net' of the package acme-garden 1.0 <what>.`"""
        return PluginError(
            f"The {kind} '{self.name}' of the package {self.package} {what}.", hint=self.remedy
        )


def plugins(group: str) -> Mapping[str, tuple[Plugin, ...]]:
    """name → who offers it, of every package that Python finds now; more than one is a conflict.

    Reading the metadata of all packages takes a tenth of a second and more: callers look into their own tables first.
    """
    return _plugins(group, tuple(sys.path))


@lru_cache(maxsize=32)
def _plugins(group: str, path: tuple[str, ...]) -> Mapping[str, tuple[Plugin, ...]]:
    found: dict[str, tuple[Plugin, ...]] = {}
    for point in entry_points(group=group):
        package = f"{point.dist.name} {point.dist.version}" if point.dist else "(unknown)"
        found[point.name] = (
            *found.get(point.name, ()),
            Plugin(point.name, point.value, package, point),
        )
    return found


def only(kind: str, offers: tuple[Plugin, ...]) -> Plugin:
    """The one that offers a name.

    Raises:
        PluginError: several packages do; which one was meant would depend on the machine.
    """
    if len(offers) == 1:
        return offers[0]
    packages = " and ".join(sorted(plugin.package for plugin in offers))
    raise PluginError(
        f"The {kind} '{offers[0].name}' is offered by several packages: {packages}.",
        hint="Keep one of them installed.",
    )


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".")
