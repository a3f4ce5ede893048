"""`supervisely:PATH` and `fsoco:PATH`: projects in Supervisely's format, `meta.json`, `<folder>/{img,ann}`.

Bitmaps and polygons are painted in the order of the file, so that the later object lies on top. FSOCO
(fsoco-dataset.com) adds a border of 140 pixels on all four sides of a picture; one team's pictures are near-duplicates
of each other, so a team is never in two splits. Format: docs.supervisely.com, "Supervisely annotation format".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw

from keras_tiny.data.bitmaps import decode_bitmap, paint
from keras_tiny.data.held_out import hold_out
from keras_tiny.data.mask_dataset import mask_dataset
from keras_tiny.data.sample import BACKGROUND, Dataset
from keras_tiny.data.source import ImageSize, existing_folder, preprocessing_for
from keras_tiny.errors import DataError
from keras_tiny.preprocessing.image import EXTENSIONS, read_image

FSOCO_BORDER_PX = 140
_SHAPES = ("bitmap", "polygon")
_MAX_SIDE = 16384


def load_supervisely(
    path: str, *, image_size: ImageSize | None = None, channels: Literal[1, 3] | None = None, seed: int = 0
) -> Dataset:
    """A project: background and the classes of `meta.json` that are bitmaps or polygons.

    Args:
        path: the folder with `meta.json`.
        image_size: side or (height, width) of the model's input; 96 by default.
        channels: 3 (default) or 1.
        seed: of val and test, which are held out picture by picture.

    Raises:
        DataError: no `meta.json`, a picture without annotation, no class that has an area.
    """
    return _load(path, "supervisely", image_size=image_size, channels=channels, seed=seed)


def load_fsoco(
    path: str, *, image_size: ImageSize | None = None, channels: Literal[1, 3] | None = None, seed: int = 0
) -> Dataset:
    """FSOCO's segmentation: background and cone, the border cut off, whole teams held out as val and test.

    Arguments and errors as in `load_supervisely`, and DataError for too few teams to divide.
    """
    return _load(path, "fsoco", image_size=image_size, channels=channels, seed=seed)


def _load(
    path: str,
    source: Literal["supervisely", "fsoco"],
    *,
    image_size: ImageSize | None,
    channels: Literal[1, 3] | None,
    seed: int,
) -> Dataset:
    cones = source == "fsoco"
    spec = preprocessing_for(image_size, channels=channels, side=96)
    root = existing_folder(path, source=source)
    titles = _titles(root / "meta.json")
    labels = (BACKGROUND, "cone") if cones else (BACKGROUND, *titles)
    index = {title: 1 if cones else number for number, title in enumerate(titles, start=1)}
    border = FSOCO_BORDER_PX if cones else 0
    names = _names(root)
    teams = {name: name.partition("/")[0] for name in names}
    splits, notes = hold_out({"train": names}, seed=seed, groups=teams if cones else None)

    def read(name: str) -> np.ndarray:
        return _inside(read_image(root / name, channels=spec.channels), border, name)

    def mask(name: str) -> np.ndarray:
        return _inside(read_annotation(_annotation(root, name), index), border, name)

    return mask_dataset(
        f"{source}:{path}",
        labels=labels,
        preprocessing=spec,
        names=splits,
        read=read,
        read_mask=mask,
        seed=seed,
        notes=notes,
    )


def read_annotation(path: Path, index: dict[str, int]) -> np.ndarray:
    """The mask of one annotation file, uint8 (height, width), 0 where no object is.

    Args:
        index: class title → its number in the mask.

    Raises:
        DataError: that names the file: not JSON, keys that are missing, a class that is not in `meta.json`, a bitmap
            that is damaged.
    """
    fields = _json(path)
    try:
        height, width = int(fields["size"]["height"]), int(fields["size"]["width"])
        if not (0 < height <= _MAX_SIDE and 0 < width <= _MAX_SIDE):
            raise DataError(f"{path}: the size is {width}x{height}; sides are 1 to {_MAX_SIDE} pixels.")
        mask = np.zeros((height, width), np.uint8)
        for thing in fields["objects"]:
            shape = thing["geometryType"]
            if shape not in _SHAPES:
                continue
            if thing["classTitle"] not in index:
                raise DataError(f"{path}: the class '{thing['classTitle']}' is not in meta.json.")
            _PAINTERS[shape](mask, thing, index[thing["classTitle"]], str(path))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{path} is not a Supervisely annotation: {type(error).__name__} at {error}.",
            hint="Each object needs classTitle, geometryType and its shape.",
        ) from None
    return mask


def _paint_bitmap(mask: np.ndarray, thing: Any, value: int, name: str) -> None:
    x, y = thing["bitmap"]["origin"]
    paint(mask, decode_bitmap(thing["bitmap"]["data"], name=name), origin=(int(x), int(y)), value=value)


def _paint_polygon(mask: np.ndarray, thing: Any, value: int, name: str) -> None:
    del name
    canvas = Image.new("1", mask.shape[::-1])
    draw = ImageDraw.Draw(canvas)
    draw.polygon([(float(x), float(y)) for x, y in thing["points"]["exterior"]], fill=1, outline=1)
    for hole in thing["points"].get("interior", []):
        draw.polygon([(float(x), float(y)) for x, y in hole], fill=0)
    mask[np.asarray(canvas)] = value


_PAINTERS: dict[str, Callable[[np.ndarray, Any, int, str], None]] = {
    "bitmap": _paint_bitmap,
    "polygon": _paint_polygon,
}


def _titles(meta: Path) -> list[str]:
    """Titles of the classes that have an area, in their order."""
    fields = _json(meta)
    try:
        titles = [c["title"] for c in fields["classes"] if c.get("shape", "any") in (*_SHAPES, "any")]
    except (KeyError, TypeError, AttributeError):
        raise DataError(f"{meta} has no list of classes with titles.") from None
    if not titles:
        raise DataError(f"{meta} has no class that is a bitmap or a polygon.")
    return titles


def _names(root: Path) -> list[str]:
    """Pictures as "<folder>/img/<file>"; a picture without its annotation is an error."""
    names = []
    for folder in sorted(path for path in root.iterdir() if (path / "img").is_dir()):
        for file in sorted((folder / "img").iterdir()):
            if file.suffix[1:].lower() in EXTENSIONS and not file.name.startswith("."):
                names.append(f"{folder.name}/img/{file.name}")
    if not names:
        raise DataError(f"{root} has no pictures in <folder>/img.", hint="Give the folder with meta.json.")
    for name in names:
        if not _annotation(root, name).is_file():
            raise DataError(
                f"The picture {name} has no mask: {_annotation(root, name).relative_to(root)} is missing.",
                hint="Export the annotations too, or move the picture away.",
            )
    return names


def _annotation(root: Path, name: str) -> Path:
    folder, _, file = name.split("/")
    return root / folder / "ann" / f"{file}.json"


def _inside(pixels: np.ndarray, border: int, name: str) -> np.ndarray:
    if min(pixels.shape[:2]) <= 2 * border:
        raise DataError(
            f"{name} is {pixels.shape[1]}x{pixels.shape[0]} pixels: nothing is left inside FSOCO's border of {border}.",
            hint="For pictures without the border take supervisely:PATH.",
        )
    return pixels[border : pixels.shape[0] - border, border : pixels.shape[1] - border]


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"Cannot read {path}: {error}.") from None
