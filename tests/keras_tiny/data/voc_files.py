"""Small data sets of Pascal VOC's and COCO's formats, written for a test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

Object = tuple[str, tuple[float, float, float, float]]


def write_picture(path: Path, *, width: int = 40, height: int = 30) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(path, format="PNG" if path.suffix.lower() == ".png" else "JPEG")


def voc_xml(objects: list[Object], *, width: int = 40, height: int = 30, difficult: int = 0) -> str:
    rows = "".join(
        f"<object><name>{label}</name><difficult>{difficult}</difficult><bndbox>"
        f"<xmin>{box[0]}</xmin><ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"
        for label, box in objects
    )
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation>{size}{rows}</annotation>"


def write_pairs(folder: Path, count: int, *, label: str = "cat") -> None:
    """Pictures 1 to `count` with a box each, side by side."""
    for number in range(1, count + 1):
        write_picture(folder / f"picture-{number}.jpg")
        (folder / f"picture-{number}.xml").write_text(voc_xml([(label, (5, 6, 20, 25))]))
