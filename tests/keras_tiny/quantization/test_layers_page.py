"""docs/reference/quantization.md is what the registry of layers says today, and what its errors point to."""

from __future__ import annotations

from tests.docs.pages import HEAVY_PAGES, REFERENCE
from tests.support import require


def test_the_page_of_layers_is_what_its_command_writes() -> None:
    require("module:tensorflow")
    page = (REFERENCE / "quantization.md").read_text(encoding="utf-8")
    assert page == HEAVY_PAGES["quantization.md"](), "run: python -m tests.docs.pages (or make pages)"
