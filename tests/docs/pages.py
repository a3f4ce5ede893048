"""The pages that code writes: `python -m tests.docs.pages` writes all of them anew; a test fails while one is stale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from keras_tiny.profile import models_page
from mcu.boards import table as boards_page
from mcu.compiler import operators_page
from tests.docs import cli_page

REFERENCE = Path(__file__).parents[2] / "docs/reference"

# docs/reference/results.md has a command per table, which trains: tests/benchmarks/test_results.py guards it.
PAGES: dict[str, Callable[[], str]] = {
    "boards.md": boards_page.markdown,
    "cli.md": cli_page.markdown,
    "models.md": models_page.markdown,
    "operators.md": operators_page.markdown,
}


def _quantization() -> str:
    from keras_tiny.quantization import layers_page  # loads TensorFlow

    return layers_page.markdown()


# Guarded where TensorFlow is loaded anyway: tests/keras_tiny/quantization/test_layers_page.py.
HEAVY_PAGES: dict[str, Callable[[], str]] = {"quantization.md": _quantization}


def main() -> None:
    """Write what has changed, and say what."""
    for name, markdown in {**PAGES, **HEAVY_PAGES}.items():
        page = REFERENCE / name
        text = markdown()
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")
            print(f"docs/reference/{name}: written anew")


if __name__ == "__main__":
    main()
