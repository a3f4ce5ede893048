"""What does a finished run say of these pictures?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keras_tiny.data.finding import Box
from keras_tiny.errors import BadInput
from keras_tiny.preprocessing.image import EXTENSIONS, normalise, read_image, resize
from keras_tiny.runs.evaluate import Which
from keras_tiny.runs.folder import load_run
from keras_tiny.tasks.sheet import Tile, write_sheet
from keras_tiny.training.judge import compile_predict

MOST_ON_SHEET = 60


@dataclass(frozen=True)
class Prediction:
    """One thing that the model sees in a picture; a detector may see several, or none.

    Attributes:
        score: 0 to 1: probability of the label, or the share of the picture that it covers (segmentation).
        box: xmin, ymin, xmax, ymax in pixels of the picture as it is on disk; None for tasks without boxes.
    """

    source: str
    label: str
    score: float
    box: Box | None = None


def predict(
    run_dir: str | Path, source: str | Path, *, which: Which = "qat", sheet: str | Path | None = None
) -> list[Prediction]:
    """What the model sees in one picture, or in every picture of a folder in the order of their names.

    Args:
        sheet: PNG that shows the first 60 pictures with their answers; none by default.

    Raises:
        BadInput: no such path, a folder without pictures, a picture that cannot be read, not a finished run.
    """
    paths = _pictures(Path(source))
    model, task, data = load_run(run_dir, quantized=which == "qat")
    spec = data.preprocessing
    run = compile_predict(model)
    found: list[Prediction] = []
    tiles: list[Tile] = []
    for path in paths:
        image = read_image(path, channels=spec.channels)
        pixels = resize(image, spec)
        answers = task.answers(tuple(output.numpy() for output in run(normalise(pixels, spec)[None])))
        for finding in task.findings(answers):
            box = finding.in_pixels(width=image.shape[1], height=image.shape[0])
            found.append(Prediction(str(path), finding.label, finding.score, box))
        if len(tiles) < MOST_ON_SHEET:
            tiles.append(task.tile(pixels, answers, name=path.name))
    if sheet is not None:
        write_sheet(tiles, Path(sheet))
    return found


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
