"""What does a finished run say of these pictures?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from keras_tiny.errors import BadInput
from keras_tiny.preprocessing.image import EXTENSIONS, normalise, read_image, resize
from keras_tiny.runs.evaluate import Which, softmax
from keras_tiny.runs.folder import load_run
from keras_tiny.runs.sheet import Tile, write_sheet
from keras_tiny.training.loop import compile_predict

MOST_ON_SHEET = 60


@dataclass(frozen=True)
class Prediction:
    """Attributes: score: probability of the label, 0 to 1."""

    source: str
    label: str
    score: float


def predict(
    run_dir: str | Path, source: str | Path, *, which: Which = "qat", sheet: str | Path | None = None
) -> list[Prediction]:
    """Classify one picture, or every picture of a folder in the order of their names.

    Args:
        sheet: PNG that shows the first 60 pictures with their labels; none by default.

    Raises:
        BadInput: no such path, a folder without pictures, a picture that cannot be read, not a finished run.
    """
    paths = _pictures(Path(source))
    model, data, _ = load_run(run_dir, quantized=which == "qat")
    spec = data.preprocessing
    run = compile_predict(model)
    answers, tiles = [], []
    for path in paths:
        pixels = resize(read_image(path, channels=spec.channels), spec)
        scores = softmax(np.asarray(run(normalise(pixels, spec)[None])))[0]
        best = int(scores.argmax())
        answers.append(Prediction(str(path), data.labels[best], float(scores[best])))
        tiles.append(Tile(pixels, f"{data.labels[best]} {scores[best]:.0%}\n{path.name}"))
    if sheet is not None:
        write_sheet(tiles[:MOST_ON_SHEET], Path(sheet))
    return answers


def _pictures(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise BadInput(f"{source} does not exist.", hint="Give a picture or a folder of pictures.")
    found = sorted(path for path in source.iterdir() if path.suffix.lower().lstrip(".") in EXTENSIONS)
    if not found:
        raise BadInput(
            f"The folder {source} has no pictures.", hint=f"Readable are {', '.join(sorted(EXTENSIONS))}."
        )
    return found
