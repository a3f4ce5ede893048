"""A contact sheet: pictures in rows, each with a caption, as one PNG."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

COLUMNS = 6


class Tile(NamedTuple):
    """Attributes: image: uint8 (height, width, 1 or 3)."""

    image: np.ndarray
    caption: str


def write_sheet(tiles: list[Tile], path: Path) -> Path | None:
    """Write the sheet and return its path; without tiles nothing is written."""
    if not tiles:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = -(-len(tiles) // COLUMNS)
    figure = Figure(figsize=(1.7 * COLUMNS, 2.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    for axes in figure.subplots(rows, COLUMNS, squeeze=False).flat:
        axes.axis("off")
    for axes, tile in zip(figure.axes, tiles, strict=False):
        grey = tile.image.shape[2] == 1
        axes.imshow(
            tile.image[:, :, 0] if grey else tile.image, cmap="gray" if grey else None, vmin=0, vmax=255
        )
        axes.set_title(tile.caption, fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path
