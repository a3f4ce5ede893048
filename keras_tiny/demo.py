"""The whole way in one call: real digits → float → QAT → bundle → virtual board → report."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_tiny.errors import BadInput
from keras_tiny.recipe import Recipe, find_recipe
from keras_tiny.training.log import EpochRecord

if TYPE_CHECKING:
    from rich.table import Table

    from mcu.bundle import Bundle
    from mcu.hil.record import HilRun

RECIPE = "digits_demo"
BOARD = "virtual"


@dataclass(frozen=True)
class DemoResult:
    """What the demo ends with: the bundle, and the run record of its validation."""

    bundle: Bundle
    run: HilRun
    report: Path

    @property
    def bit_exact(self) -> bool:
        return self.run.bit_exact

    def table(self) -> Table:
        """Accuracies, bit-exactness and bytes, as a person reads them."""
        from rich.table import Table

        manifest = self.bundle.manifest
        measured = manifest.metrics["accuracy"]
        table = Table(title=f"{manifest.name}: {manifest.data['source']}, {self.run.samples} test pictures")
        table.add_column("")
        table.add_column("", justify="right")
        for name, key in (("float", "float"), ("PTQ, int8", "ptq"), ("QAT", "qat")):
            table.add_row(f"accuracy, {name}", f"{measured[key]:.2%}")
        table.add_row(f"accuracy, board ({self.run.board}, {self.run.engine})", f"{self.run.accuracy:.2%}")
        equal = self.run.samples - self.run.mismatched_samples
        table.add_row("samples bit-exact", f"{equal}/{self.run.samples}")
        table.add_row("model", f"{manifest.tflite_bytes:,} B")
        table.add_row("arena", f"{manifest.arena_bytes:,} B")
        return table

    def to_dict(self) -> dict[str, Any]:
        manifest = self.bundle.manifest
        return {
            "bundle": str(self.bundle.path),
            "metrics": {**manifest.metrics["accuracy"], "board": self.run.accuracy},
            "samples": self.run.samples,
            "mismatched_samples": self.run.mismatched_samples,
            "tflite_bytes": manifest.tflite_bytes,
            "arena_bytes": manifest.arena_bytes,
            "report": str(self.report),
        }


def run_demo(
    out: str | Path,
    *,
    recipe: Recipe | None = None,
    on_stage: Callable[[str], None] = lambda text: None,
    on_epoch: Callable[[EpochRecord], None] = lambda record: None,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> DemoResult:
    """Train, quantize, export and validate into `out`: `run/`, `bundle/`, `hil_run.json`, `report.html`.

    A demo that was run there before is replaced; anything else there is left alone.
    """
    from keras_tiny.runs.export import export_run
    from keras_tiny.runs.folder import load_data
    from keras_tiny.runs.run import run_recipe
    from mcu.hil import validate

    out = Path(out)
    chosen = recipe or find_recipe(RECIPE)
    run_recipe(chosen, _fresh(out / "run"), on_stage=on_stage, on_epoch=on_epoch, on_step=on_step)
    on_stage("export: convert, audit, golden vectors, files for TensorFlow Lite Micro")
    bundle = export_run(out / "run", out / "bundle", name="digits")
    on_stage(f"validate: every test picture through the board '{BOARD}'")
    run = validate(bundle, load_data(chosen), board=BOARD, out_dir=out, progress=on_step)
    return DemoResult(bundle=bundle, run=run, report=out / "report.html")


def _fresh(folder: Path) -> Path:
    if folder.exists():
        if not (folder / "recipe.yaml").is_file():
            raise BadInput(
                f"{folder} exists and is not a run folder; it is left alone.", hint="Choose another --out."
            )
        shutil.rmtree(folder)
    return folder
