"""Packages of somebody else's on a folder of their own: a real one by pip, broken ones written by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ACME = Path(__file__).parent / "acme_garden"


def pip_install(project: Path, target: Path) -> None:
    """`pip install --target`: built and installed as any package is, without a download."""
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    done = subprocess.run([*command, *offline, "--target", str(target), str(project)], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def write_package(
    site: Path, name: str, *, points: Mapping[str, Mapping[str, str]], files: Mapping[str, str] | None = None
) -> None:
    """What pip would leave of a package: its files, and the metadata with its entry points.

    Args:
        name: of the distribution; its version is 0.3.
        points: group → name → value.
        files: path below `site` → text.
    """
    info = site / f"{name.replace('-', '_')}-0.3.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.3\n")
    sections = (
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())
        for group, lines in points.items()
    )
    (info / "entry_points.txt").write_text("\n".join(sections))
    for path, text in (files or {}).items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
