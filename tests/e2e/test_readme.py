"""What the README shows on its first screen is run as printed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.support import require

ROOT = Path(__file__).parents[2]


def test_the_example_of_the_first_screen_runs_and_is_bit_exact(tmp_path: Path):
    require("module:tensorflow")
    require("module:tflite_micro")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    example = re.search(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    assert example is not None
    assert readme[: example.start()].count("\n") < 20, "the example is on the first screen"
    done = subprocess.run(
        [sys.executable, "-c", example.group(1)], capture_output=True, text=True, cwd=tmp_path, timeout=570
    )
    assert done.returncode == 0, done.stderr[-3000:]
    accuracy, bit_exact = done.stdout.split()[:2]
    assert float(accuracy) >= 0.9
    assert bit_exact == "True"
    assert (tmp_path / "build" / "digits" / "manifest.json").is_file()


def test_every_link_of_readme_and_docs_leads_somewhere():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    broken = []
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} → {target}")
    assert not broken


def test_the_table_of_extras_names_those_of_the_package():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = re.search(r"^\| extra \|.*?\n\n", readme, flags=re.DOTALL | re.MULTILINE)
    assert table is not None
    first = [line.split("|")[1] for line in table.group().splitlines()[2:] if line]
    named = {extra for cell in first for extra in re.findall(r"`([a-z]+)`", cell)}
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = project.split("[project.optional-dependencies]\n")[1].split("\n[")[0]
    assert named == set(re.findall(r"^([a-z]+) = \[", extras, flags=re.MULTILINE))


def test_every_make_target_of_the_readme_exists():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"^make ([a-z-]+)", readme, flags=re.MULTILINE))
    assert {"demo", "test"} <= named
    for target in named:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
