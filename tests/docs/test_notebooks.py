"""The notebooks run from top to bottom in a kernel of their own, and are stored without outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mcu.hil.digits_bundle import write_digits_bundle
from tests.support import require

NOTEBOOKS = Path(__file__).parents[2] / "docs/notebooks"


def run_notebook(name: str, folder: Path) -> str:
    """Every cell, in `folder`; what it printed."""
    require("module:nbclient")
    require("module:ipykernel")
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    NotebookClient(
        notebook, timeout=None, kernel_name="python3", resources={"metadata": {"path": folder}}
    ).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    return "".join(output.get("text", "") for output in outputs)


def test_a_bundle_is_opened_and_validated_without_tensorflow(tmp_path: Path):
    require("module:tflite_micro")
    write_digits_bundle(tmp_path / "build/demo/bundle")
    said = run_notebook("validate_a_bundle.ipynb", tmp_path)
    assert "50 samples" in said
    assert "bit-exact" in said
    assert (tmp_path / "build/notebook/report.html").is_file()


def test_the_digits_are_trained_exported_and_validated(tmp_path: Path):
    require("module:tensorflow")
    require("module:tflite_micro")
    said = run_notebook("train_digits.ipynb", tmp_path)
    assert "100 samples" in said
    assert (tmp_path / "build/notebook-digits/manifest.json").is_file()


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path: Path):
    require("module:nbformat")
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells
    assert not [cell for cell in cells if cell.outputs or cell.execution_count is not None]
