"""`coco_panoptic:PATH`: COCO's panoptic PNGs, things and stuff, a category for nearly every pixel (arXiv:1801.00868).

`panoptic_train*.json` and `panoptic_val*.json`, in `annotations` or in PATH; the PNGs lie in the folder of the file's
name beside it, the pictures in the folder named as the split (`train2017`), in `images`, or in PATH. A colour is a
number, R + 256 G + 65536 B, of a segment of the JSON file; 0 is void.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from keras_tiny.data.coco_json import folder_of, not_coco, read_json
from keras_tiny.data.held_out import hold_out
from keras_tiny.data.mask_dataset import mask_dataset
from keras_tiny.data.masks import read_pixels, require_size_of
from keras_tiny.data.sample import VOID, Dataset
from keras_tiny.data.source import ImageSize, existing_folder, preprocessing_for
from keras_tiny.errors import DataError
from keras_tiny.preprocessing.image import read_image

_PREFIX = "panoptic_"


@dataclass(frozen=True)
class Segments:
    """Attributes: categories: number of a segment → category id."""

    picture: Path
    png: Path
    categories: dict[int, int]


def load_coco_panoptic(
    path: str, *, image_size: ImageSize | None = None, channels: Literal[1, 3] | None = None, seed: int = 0
) -> Dataset:
    """The categories in the order of their ids.

    Args:
        path: the folder with `annotations`.
        image_size: side or (height, width) of the model's input; 96 by default.
        channels: 3 (default) or 1.
        seed: of what is held out from train.

    Raises:
        DataError: no JSON file of train, a damaged one, a picture or a PNG that is missing, more than 255 categories;
            when a mask is read, a segment that the JSON file does not list.
    """
    spec = preprocessing_for(image_size, channels=channels, side=96)
    root = existing_folder(path, source="coco_panoptic")
    read = {split: read_segments(file, root) for split, file in _files(root).items()}
    categories = read["train"][0]
    if any(others != categories for others, _ in read.values()):
        raise DataError(f"The categories of the splits in {root} differ.", hint="Export them together.")
    order = sorted(categories)
    if len(order) > VOID:
        raise DataError(f"{root} has {len(order)} categories; a mask holds {VOID}.")
    index = {number: place for place, number in enumerate(order)}
    segments = {name: each for _, part in read.values() for name, each in part.items()}
    splits, held = hold_out({split: sorted(part) for split, (_, part) in read.items()}, seed=seed)

    def image(name: str) -> np.ndarray:
        return read_image(segments[name].picture, channels=spec.channels)

    def mask(name: str) -> np.ndarray:
        return read_panoptic(segments[name], index)

    return mask_dataset(
        f"coco_panoptic:{path}",
        labels=tuple(categories[number] for number in order),
        preprocessing=spec,
        names=splits,
        read=image,
        read_mask=mask,
        seed=seed,
        notes=held,
    )


def read_panoptic(segments: Segments, index: dict[int, int]) -> np.ndarray:
    """The mask of one picture, uint8 (height, width).

    Args:
        index: category id → its number in the mask.
    """
    pixels = read_pixels(segments.png, name=str(segments.png))
    if pixels.ndim != 3:
        raise DataError(f"{segments.png} has no colours; a panoptic PNG has a number in red, green and blue.")
    numbers = (pixels.astype(np.uint32) << np.array([0, 8, 16], np.uint32)).sum(axis=2)
    found, inverse = np.unique(numbers, return_inverse=True)
    unknown = [number for number in found.tolist() if number and number not in segments.categories]
    if unknown:
        raise DataError(f"{segments.png} has the segment {unknown[0]}, which its JSON file does not list.")
    classes = [index[segments.categories[number]] if number else VOID for number in found.tolist()]
    mask = np.array(classes, np.uint8)[inverse].reshape(numbers.shape)
    require_size_of(segments.picture, mask)
    return mask


def read_segments(file: Path, root: Path) -> tuple[dict[int, str], dict[str, Segments]]:
    """Category id → name, and name of a picture → its segments.

    Raises:
        DataError: naming the file, and what is wrong in it.
    """
    content = read_json(file)
    folder = file.with_suffix("")
    try:
        categories = {int(each["id"]): str(each["name"]) for each in content["categories"]}
        names = {int(each["id"]): str(each["file_name"]) for each in content["images"]}
        annotations: list[Any] = content["annotations"]
        if not categories or not annotations:
            raise DataError(f"{file} has no categories or no annotations.")
        alike = file.with_name(file.name.removeprefix(_PREFIX))
        pictures = folder_of(alike, root, first=names[int(annotations[0]["image_id"])])
        found = {}
        for each in annotations:
            picture, png = pictures / names[int(each["image_id"])], folder / each["file_name"]
            for needed in (picture, png):
                if not needed.is_file():
                    raise DataError(f"{file} names {needed.name}, which is not in {needed.parent}.")
            of_segment = {int(part["id"]): int(part["category_id"]) for part in each["segments_info"]}
            unlisted = set(of_segment.values()) - categories.keys()
            if unlisted:
                raise DataError(f"{file}: {png.name} has category {min(unlisted)}, which is not listed.")
            found[picture.relative_to(root).as_posix()] = Segments(picture, png, of_segment)
    except (KeyError, TypeError, ValueError) as error:
        hint = "Each annotation has image_id, file_name and segments_info."
        raise not_coco(file, error, hint=hint, kind="panoptic") from None
    return categories, found


def _files(root: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in (root / "annotations", root):
        for split in ("train", "val", "test"):
            for file in sorted(folder.glob(f"{_PREFIX}{split}*.json")):
                found.setdefault(split, file)
    if "train" not in found:
        raise DataError(
            f"{root} has no panoptic_train*.json, nor has its folder annotations.",
            hint="Name the folder that has annotations/panoptic_train2017.json.",
        )
    return found
