"""Versions of everything that decides a run's numbers, stored with runs and bundles; and those that go together."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib import metadata

TOOLS = (
    "keras-tiny",
    "tensorflow",
    "tf_keras",
    "tensorflow-model-optimization",
    "numpy",
    "pillow",
    "tflite-micro",
)


def tool_versions() -> dict[str, str]:
    """Name → version of Python and of each tool that is installed."""
    versions = {"python": platform.python_version()}
    for tool in TOOLS:
        try:
            versions[tool] = metadata.version(tool)
        except metadata.PackageNotFoundError:
            continue
    return versions


@dataclass(frozen=True)
class Requirement:
    """One package of pyproject, as the installed keras-tiny declares it.

    Attributes:
        bounds: ">=2.21,<2.22"; the versions that were tested together.
        extra: "" for what every installation has.
    """

    package: str
    bounds: str
    extra: str


def requirements(declared: list[str] | None = None, *, extras: Collection[str]) -> tuple[Requirement, ...]:
    """What keras-tiny requires, of itself and in these extras.

    Args:
        declared: lines as in the metadata, "tensorflow<2.22,>=2.21; extra == 'train'"; None: of the installed package.
    """
    lines = declared if declared is not None else metadata.requires("keras-tiny") or []
    found = []
    for line in lines:
        text, _, marker = line.partition(";")
        match = re.match(r"\s*([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*(.*)", text)
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", marker)
        if match is None or (marker and extra is None):  # a marker of its own: of another platform or Python
            continue
        if extra is None or extra.group(1) in extras:
            parts = match.group(2).strip(" ()").replace(" ", "").split(",")
            bounds = ",".join(sorted(parts, reverse=True))  # the lower one first
            found.append(Requirement(match.group(1), bounds, extra.group(1) if extra else ""))
    return tuple(found)


def within(version: str, bounds: str) -> bool:
    """Whether "2.21.0" lies within ">=2.21,<2.22"; of a pre-release the release counts."""
    compare: Mapping[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
        ">=": lambda a, b: a >= b,
        "<=": lambda a, b: a <= b,
        "==": lambda a, b: a == b,
        "!=": lambda a, b: a != b,
        ">": lambda a, b: a > b,
        "<": lambda a, b: a < b,
    }
    for bound in filter(None, bounds.split(",")):
        match = re.match(r"(>=|<=|==|!=|>|<)(.+)", bound)
        if match is None:
            continue
        if match.group(1) == "==" and match.group(2) == version:
            continue
        a, b = numbers(version), numbers(match.group(2))
        width = max(len(a), len(b))
        if not compare[match.group(1)](a + (0,) * (width - len(a)), b + (0,) * (width - len(b))):
            return False
    return True


def numbers(version: str) -> tuple[int, ...]:
    """ "2.21.0rc1" → (2, 21, 0): of each part the leading digits, up to the first part without."""
    found = []
    for part in version.split("+")[0].split("."):
        digits = re.match(r"\d+", part)
        if digits is None:
            break
        found.append(int(digits.group()))
    return tuple(found)


def installed_version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
