"""The site builds with every link checked, has every page, and needs nothing from elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.support import require

ROOT = Path(__file__).parents[2]


def test_the_site_builds_and_every_link_leads_somewhere(tmp_path: Path):
    require("module:mkdocs")
    site = tmp_path / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert pages <= {path.relative_to(site) for path in site.rglob("*.html")}
    for page in site.rglob("*.html"):
        # What a browser would fetch by itself; links that a person follows may lead anywhere.
        fetched = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(https?:)?//[^"]*"', page.read_text())
        assert not fetched, f"{page.name} fetches something from elsewhere"
