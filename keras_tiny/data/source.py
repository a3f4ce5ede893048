"""What a data source is: a function from the user's words to a `Dataset`, and what all of them share."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol

from pydantic import ValidationError

from keras_tiny.data.sample import Dataset
from keras_tiny.errors import DataError
from keras_tiny.preprocessing.spec import PreprocessingSpec

ImageSize = int | tuple[int, int]


class Source(Protocol):
    """How `keras_tiny.data.load` calls a source.

    Args:
        path: what follows the colon in "name:PATH"; empty for a source that takes none.
        image_size: side in pixels or (height, width) of the model's input; None for the source's own default.
        channels: 3 or 1; None for the source's own default.
        seed: of the splits that the source makes itself; a source that comes with its splits has no use for it.
    """

    def __call__(
        self, path: str, *, image_size: ImageSize | None, channels: Literal[1, 3] | None, seed: int
    ) -> Dataset: ...


def preprocessing_for(
    image_size: ImageSize | None,
    *,
    channels: Literal[1, 3] | None,
    side: int,
    usual_channels: Literal[1, 3] = 3,
) -> PreprocessingSpec:
    """The default preprocessing (mean 128, std 128) for that input.

    Args:
        image_size, channels: what the user asked for; None is `side` x `side`, and `usual_channels`.

    Raises:
        DataError: for a size or a number of channels that no specification allows.
    """
    image_size = side if image_size is None else image_size
    channels = usual_channels if channels is None else channels
    pair = image_size if isinstance(image_size, tuple) else (image_size, image_size)
    if len(pair) != 2 or not all(type(side) is int for side in pair):
        raise DataError(
            f"image_size is {image_size!r}.", hint="Give a side in pixels, or (height, width), e.g. 96."
        )
    if channels not in (1, 3):
        raise DataError(f"channels is {channels!r}.", hint="Give 3 for colour or 1 for grey.")
    try:
        return PreprocessingSpec(height=pair[0], width=pair[1], channels=channels)
    except ValidationError as error:
        raise DataError(
            f"image_size {image_size} is out of range.", hint="Sides are 1 to 4096 pixels."
        ) from error


def existing_folder(path: str, *, source: str) -> Path:
    """The folder that the user named.

    Raises:
        DataError: if there is none, or it is a file.
    """
    if not path:
        raise DataError(f"The source '{source}' needs a folder.", hint=f"Write {source}:PATH.")
    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists():
        raise DataError(f"{folder} is a file, not a folder.", hint="If it is an archive, unpack it first.")
    raise DataError(f"There is no folder {folder}.", hint=f"Looked from {Path.cwd()}; check the path.")
