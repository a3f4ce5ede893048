"""`coco_masks:PATH` and `coco_foreground:PATH`: COCO's instances as masks, of a class each, or of one for all.

The layout and the JSON files are those of `coco:PATH`. Where objects overlap the smaller one lies on top: a cup stands
on a table and not the table on the cup. A crowd is of its class too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from keras_tiny.data.coco import files_of, folder_of, read_json
from keras_tiny.data.coco_rle import decode_segmentation
from keras_tiny.data.held_out import hold_out
from keras_tiny.data.partition import shuffled
from keras_tiny.data.sample import Dataset, Split
from keras_tiny.data.source import ImageSize, existing_folder, preprocessing_for
from keras_tiny.errors import DataError
from keras_tiny.preprocessing.image import read_image

BACKGROUND = "background"
FOREGROUND = "object"


@dataclass(frozen=True)
class Picture:
    """One picture of a JSON file.

    Attributes:
        objects: (category id, segmentation as in the file), the largest area first.
    """

    file: Path
    height: int
    width: int
    objects: tuple[tuple[int, Any], ...]


def load_coco_masks(
    path: str, *, image_size: ImageSize | None = None, channels: Literal[1, 3] | None = None, seed: int = 0
) -> Dataset:
    """Background and the categories in the order of their ids.

    Args:
        path: the folder with `annotations`.
        image_size: side or (height, width) of the model's input; 96 by default.
        channels: 3 (default) or 1.
        seed: of what is held out from train.

    Raises:
        DataError: no JSON file of train, a damaged one, one that refers to what is not in it, a picture that is
            missing; when a mask is read, a segmentation that is none.
    """
    return _load(path, "coco_masks", image_size=image_size, channels=channels, seed=seed)


def load_coco_foreground(
    path: str, *, image_size: ImageSize | None = None, channels: Literal[1, 3] | None = None, seed: int = 0
) -> Dataset:
    """Background and object: the union of all instances. Arguments and errors as in `load_coco_masks`."""
    return _load(path, "coco_foreground", image_size=image_size, channels=channels, seed=seed)


def _load(
    path: str,
    source: Literal["coco_masks", "coco_foreground"],
    *,
    image_size: ImageSize | None,
    channels: Literal[1, 3] | None,
    seed: int,
) -> Dataset:
    spec = preprocessing_for(
        96 if image_size is None else image_size, channels=3 if channels is None else channels
    )
    root = existing_folder(path, source=source)
    read = {split: read_pictures(file, root) for split, file in files_of(root).items()}
    categories = read["train"][0]
    if any(others != categories for others, _ in read.values()):
        raise DataError(f"The categories of the splits in {root} differ.", hint="Export them together.")
    order = sorted(categories)
    binary = source == "coco_foreground"
    index = {number: 1 if binary else place for place, number in enumerate(order, start=1)}
    pictures = {name: picture for _, part in read.values() for name, picture in part.items()}
    splits, held = hold_out({split: sorted(part) for split, (_, part) in read.items()}, seed=seed)

    def image(name: str) -> np.ndarray:
        return read_image(pictures[name].file, channels=spec.channels)

    def mask(name: str) -> np.ndarray:
        return paint_objects(pictures[name], index, name=name)

    def split_of(name: str) -> Split:
        return Split(name, shuffled(splits[name], seed=seed), None, image, read_mask=mask)

    return Dataset(
        source=f"{source}:{path}",
        task="segmentation",
        labels=(BACKGROUND, FOREGROUND)
        if binary
        else (BACKGROUND, *(categories[number] for number in order)),
        preprocessing=spec,
        train=split_of("train"),
        val=split_of("val"),
        test=split_of("test"),
        notes=held,
    )


def paint_objects(picture: Picture, index: dict[int, int], *, name: str) -> np.ndarray:
    """The mask of one picture, uint8 (height, width), 0 where no object is.

    Args:
        index: category id → its number in the mask.
    """
    mask = np.zeros((picture.height, picture.width), np.uint8)
    for category, segmentation in picture.objects:
        try:
            mask[decode_segmentation(segmentation, height=picture.height, width=picture.width)] = index[
                category
            ]
        except (ValueError, TypeError) as error:
            raise DataError(f"{name}: an object cannot be drawn: {error}.", hint="Export it again.") from None
    return mask


def read_pictures(file: Path, root: Path) -> tuple[dict[int, str], dict[str, Picture]]:
    """Category id → name, and name of a picture, unique over all splits → what is on it.

    Raises:
        DataError: naming the file, and the picture or annotation that is wrong.
    """
    content = read_json(file)
    try:
        categories = {int(each["id"]): str(each["name"]) for each in content["categories"]}
        images = {int(each["id"]): each for each in content["images"]}
        rows: dict[int, list[Any]] = {number: [] for number in images}
        for each in content.get("annotations", []):
            if int(each["category_id"]) not in categories:
                raise DataError(
                    f"{file}: annotation {each.get('id')} has category {each['category_id']}, which is not listed."
                )
            rows[int(each["image_id"])].append(each)
        if not categories or not images:
            raise DataError(f"{file} has no categories or no images.")
        folder = folder_of(file, root, first=next(iter(images.values()))["file_name"])
        pictures = {}
        for number, image in images.items():
            place = folder / image["file_name"]
            if not place.is_file():
                raise DataError(f"{file} names {image['file_name']}, which is not in {folder}.")
            largest_first = sorted(rows[number], key=lambda each: -float(each["area"]))
            objects = tuple((int(each["category_id"]), each["segmentation"]) for each in largest_first)
            pictures[place.relative_to(root).as_posix()] = Picture(
                place, int(image["height"]), int(image["width"]), objects
            )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{file} is not instances JSON of COCO: {type(error).__name__} {error}.",
            hint="Each annotation has image_id, category_id, area and segmentation.",
        ) from None
    return categories, pictures
