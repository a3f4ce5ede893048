"""`coco_masks:PATH` and `coco_foreground:PATH`: COCO's instances as masks, of a class each, or of one for all.

The layout and the JSON files are those of `coco:PATH`. Where objects overlap the smaller one lies on top: a cup stands
on a table and not the table on the cup. A crowd is of its class too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from keras_tiny.data.coco_json import Picture, not_coco, read_instances_files
from keras_tiny.data.coco_rle import decode_segmentation
from keras_tiny.data.held_out import hold_out
from keras_tiny.data.mask_dataset import mask_dataset
from keras_tiny.data.sample import BACKGROUND, Dataset
from keras_tiny.data.source import ImageSize, existing_folder, preprocessing_for
from keras_tiny.errors import DataError
from keras_tiny.preprocessing.image import read_image

FOREGROUND = "object"

# (number in the mask, segmentation as in the file), the largest area first.
Objects = tuple[tuple[int, Any], ...]


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
    spec = preprocessing_for(image_size, channels=channels, side=96)
    root = existing_folder(path, source=source)
    read = read_instances_files(root)
    categories = read["train"].categories
    order = sorted(categories)
    binary = source == "coco_foreground"
    index = {number: 1 if binary else place for place, number in enumerate(order, start=1)}
    objects = {
        each.name: _objects(each, index, file=part.file) for part in read.values() for each in part.pictures
    }
    pictures = {each.name: each for part in read.values() for each in part.pictures}
    names = {split: sorted(each.name for each in part.pictures) for split, part in read.items()}
    splits, held = hold_out(names, seed=seed)

    def image(name: str) -> np.ndarray:
        return read_image(pictures[name].file, channels=spec.channels)

    def mask(name: str) -> np.ndarray:
        return paint_objects(pictures[name], objects[name])

    return mask_dataset(
        f"{source}:{path}",
        labels=(BACKGROUND, FOREGROUND)
        if binary
        else (BACKGROUND, *(categories[number] for number in order)),
        preprocessing=spec,
        names=splits,
        read=image,
        read_mask=mask,
        seed=seed,
        notes=held,
    )


def _objects(picture: Picture, index: dict[int, int], *, file: Path) -> Objects:
    try:
        largest_first = sorted(picture.annotations, key=lambda each: -float(each["area"]))
        return tuple((index[int(each["category_id"])], each["segmentation"]) for each in largest_first)
    except (KeyError, TypeError, ValueError) as error:
        raise not_coco(
            file, error, hint="Each annotation has image_id, category_id, area and segmentation."
        ) from None


def paint_objects(picture: Picture, objects: Objects) -> np.ndarray:
    """The mask of one picture, uint8 (height, width), 0 where no object is."""
    mask = np.zeros((picture.height, picture.width), np.uint8)
    for number, segmentation in objects:
        try:
            mask[decode_segmentation(segmentation, height=picture.height, width=picture.width)] = number
        except (ValueError, TypeError) as error:
            raise DataError(
                f"{picture.name}: an object cannot be drawn: {error}.", hint="Export it again."
            ) from None
    return mask
