"""One short run on real digits, shared by every end-to-end test of a worker: run folder, then bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from mcu import console
from mcu.bundle import Bundle
from tests.support import require


@dataclass(frozen=True)
class Answer:
    """What a command line gave back."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """`cli("mcu", "boards")` runs a command in this process, as its console script would."""

    def run(program: str, *arguments: object) -> Answer:
        if program == "mcu":
            from mcu.cli import app
        else:
            from keras_tiny.cli import app
        monkeypatch.setattr("sys.argv", [program, *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            console.run(app)
        out, err = capfd.readouterr()
        return Answer(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture(scope="session")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run: MobileNetV1 0.25 at 32x32, two float epochs and one of QAT on the digits."""
    require("module:tensorflow")
    require("module:tflite_micro")
    from keras_tiny.recipe import find_recipe, override
    from keras_tiny.runs.run import run_recipe

    settings = [
        "model=mobilenet_v1",
        "model.arguments.width=0.25",
        "data.image_size=32",
        "float_phase.epochs=2",
        "qat_phase.epochs=1",
        "quantize.calibration_samples=32",
    ]
    folder = tmp_path_factory.mktemp("e2e") / "run"
    run_recipe(override(find_recipe("digits_demo"), settings), folder)
    return folder


@pytest.fixture(scope="session")
def bundle(run_dir: Path) -> Bundle:
    """The bundle of that run."""
    from keras_tiny.runs.export import export_run

    return export_run(run_dir, run_dir.parent / "bundle", name="digits")


@pytest.fixture
def copied_bundle(bundle: Bundle, tmp_path: Path) -> Path:
    """A copy of the bundle that a test may damage."""
    import shutil

    return Path(shutil.copytree(bundle.path, tmp_path / "bundle"))
