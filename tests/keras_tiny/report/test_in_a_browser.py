"""The report in headless Chromium, at a telephone's width and a desk's: nothing sticks out, nothing is fetched."""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from keras_tiny.report import Example, TaskPart, render_validation
from keras_tiny.report.fleet import FleetPage, FleetRow, render_fleet
from tests.keras_tiny.report.test_validation import EVIL, page
from tests.support import require

pytestmark = pytest.mark.browser

# Apple's and Samsung's telephones are 360 to 440 CSS pixels wide.
WIDTHS = {"telephone": 360, "desk": 1280}
LONG = "a_class_that_somebody_gave_a_name_without_any_blank_in_which_a_line_could_be_broken"
# The report in a frame of the asked width, so that its media queries see that width; what it came to as JSON.
FRAME = """<!DOCTYPE html><meta charset="utf-8"><iframe id="f" style="width:{width}px;height:900px;border:0"
 srcdoc="{report}"></iframe><pre id="seen"></pre><script>
onload = () => {{
  const page = document.getElementById("f").contentDocument, root = page.documentElement;
  const text = (each) => getComputedStyle(each).fontSize;
  document.getElementById("seen").textContent = JSON.stringify({{
    width: root.scrollWidth, height: root.scrollHeight,
    broken: [...page.images].filter((each) => !each.complete || !each.naturalWidth).length,
    pictures: page.images.length,
    fetched: document.getElementById("f").contentWindow.performance.getEntriesByType("resource")
      .map((each) => each.name).filter((name) => !name.startsWith("data:")),
    heading: page.querySelector("h1").innerText,
    smallest: Math.min(...[...page.querySelectorAll("p, td, li, h1, h2")].map((each) => parseFloat(text(each)))),
    scripts: page.scripts.length,
  }});
}};
</script>"""


@dataclass(frozen=True)
class Seen:
    """Attributes: width, height: of the page in CSS pixels. smallest: font size of a paragraph or a cell."""

    width: int
    height: int
    broken: int
    pictures: int
    fetched: list[str]
    heading: str
    smallest: float
    scripts: int


def in_a_browser(report: str, *, width: int, folder: Path) -> Seen:
    """Open a report; what it looks like is in `folder`, as report.png."""
    require("chromium")
    around = folder / "frame.html"
    around.write_text(FRAME.format(width=width, report=html.escape(report)), encoding="utf-8")
    command = [
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={folder / 'profile'}", f"--window-size={width + 40},900", "--virtual-time-budget=5000",
        f"--screenshot={folder / 'report.png'}", "--dump-dom", around.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    found = re.search(r'<pre id="seen">(.+?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr
    return Seen(**json.loads(html.unescape(found[1])))


def many_classes() -> str:
    labels = (LONG, *(f"class {i}" for i in range(2, 21)))
    matrix = np.random.default_rng(0).integers(0, 50, (20, 20))
    return render_validation(
        replace(page(), part=TaskPart(labels, matrix, matrix, classes=page().part.classes))
    )


def a_segmenter() -> str:
    strip = Example("test/7", np.zeros((160, 5 * 162, 3), np.uint8), "", "", "", "12 % of the pixels wrong")
    return render_validation(
        replace(page(), mistakes=(strip,) * 3, right=(strip,), made={"command": LONG * 3})
    )


def one_that_differs() -> str:
    seen = Example("test/1.png", np.zeros((4, 4, 3), np.uint8), LONG, "dog", "cat", "byte 1: desk 3, board 5")
    return render_validation(
        replace(
            page(), mismatched_samples=1, mismatched_bytes=1, error_steps={-2: 1, 0: 5}, disagreements=(seen,)
        )
    )


def evil_names() -> str:
    return render_validation(
        replace(page(EVIL), name=EVIL, board=EVIL, engine=EVIL, data=EVIL, link={EVIL: EVIL})
    )


def several_boards() -> str:
    row = FleetRow(
        "left", "nucleo_f446re", "/dev/serial/by-id/" + LONG, "", 50, 0, 0.98, 51_151.0, 8_006.0, 2, ""
    )
    failed = FleetRow(
        "right", "esp32_s3", "/dev/ttyUSB1", "no answer in 2 s: " + LONG, *[None] * 6, report=""
    )
    return render_fleet(FleetPage("digits", "digits, test", "every", False, 1, "accuracy", (row, failed)))


PAGES: Mapping[str, object] = {
    made.__name__: made for made in (many_classes, a_segmenter, one_that_differs, evil_names, several_boards)
}


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
@pytest.mark.parametrize("made", PAGES.values(), ids=PAGES)
def test_a_report_fits_its_reader_s_screen(made, width: int, tmp_path: Path):
    seen = in_a_browser(made(), width=width, folder=tmp_path)
    assert seen.width <= width  # wide tables scroll in themselves
    assert seen.height > 300
    assert seen.broken == 0
    assert seen.fetched == []
    assert seen.scripts == 0
    assert seen.smallest >= 11  # CSS pixels; below that a telephone's reader zooms
    assert seen.heading
    assert (tmp_path / "report.png").stat().st_size > 5_000


def test_a_page_that_is_too_wide_or_misses_a_picture_is_told(tmp_path: Path):
    report = "<h1>wide</h1><p style='width:900px'>x</p><img src='http://127.0.0.1:9/none.png'>"
    seen = in_a_browser(report, width=360, folder=tmp_path)
    assert seen.width >= 900
    assert seen.broken == 1
