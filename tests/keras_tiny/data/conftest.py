"""Folders of small pictures, made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def write_picture(file: Path, *, shade: int = 100, size: tuple[int, int] = (8, 6), mode: str = "RGB") -> None:
    """A plain picture of one shade; the format is that of the extension."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size[1], size[0]), shade, np.uint8)).convert(mode).save(file)


@pytest.fixture
def tree(tmp_path) -> Callable[..., Path]:
    """Make pictures at these paths below a folder and return the folder."""

    def make(*paths: str, root: str = "set") -> Path:
        for number, path in enumerate(paths):
            write_picture(tmp_path / root / path, shade=number % 256)
        (tmp_path / root).mkdir(exist_ok=True)
        return tmp_path / root

    return make
