"""`coco:PATH`: pictures with boxes in COCO's instances JSON (Lin et al., arXiv:1405.0312; cocodataset.org).

The files are `instances_train*.json`, `instances_val*.json` and perhaps `instances_test*.json`, in `annotations` or in
PATH itself; pictures lie in the folder of the file's name (`train2017`), in `images`, or in PATH. A split that is not
there is held out from train.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from keras_tiny.boxes import Boxes
from keras_tiny.data.clean_boxes import BoxReport, clean
from keras_tiny.data.held_out import hold_out
from keras_tiny.data.partition import shuffled
from keras_tiny.data.sample import Dataset, Split
from keras_tiny.data.source import ImageSize, existing_folder, preprocessing_for
from keras_tiny.errors import DataError
from keras_tiny.preprocessing.image import read_image


@dataclass(frozen=True)
class Instances:
    """One JSON file.

    Attributes:
        categories: id → name.
        pictures: name, unique over all splits → file.
        boxes: name → category ids and boxes, cleaned; the classes of `Boxes` are category ids here.
    """

    categories: dict[int, str]
    pictures: dict[str, Path]
    boxes: dict[str, Boxes]


def load_coco(
    path: str, *, image_size: ImageSize | None = None, channels: Literal[1, 3] | None = None, seed: int = 0
) -> Dataset:
    """The JSON files are read now, pictures when they are asked for. Crowds are boxes that do not count.

    Args:
        path: the folder with `annotations`.
        image_size: side or (height, width) of the model's input; 160 by default.
        channels: 3 (default) or 1.
        seed: of what is held out.

    Raises:
        DataError: no JSON file of train, one that is damaged or refers to what is not in it, splits of different
            categories, a picture that is missing.
    """
    spec = preprocessing_for(
        160 if image_size is None else image_size, channels=3 if channels is None else channels
    )
    root = existing_folder(path, source="coco")
    report = BoxReport()
    read = {split: read_instances(file, root, report=report) for split, file in files_of(root).items()}
    categories = read["train"].categories
    for split, instances in read.items():
        if instances.categories != categories:
            raise DataError(
                f"The categories of train and {split} in {root} differ.", hint="Export them together."
            )
    index = {number: place for place, number in enumerate(sorted(categories))}
    pictures = {name: file for part in read.values() for name, file in part.pictures.items()}
    boxes = {
        name: Boxes.of(each.corners, [index[int(number)] for number in each.classes], each.difficult)
        for part in read.values()
        for name, each in part.boxes.items()
    }
    splits, held = hold_out({split: sorted(part.pictures) for split, part in read.items()}, seed=seed)

    def split_of(name: str) -> Split:
        return Split(
            name,
            shuffled(splits[name], seed=seed),
            None,
            lambda each: read_image(pictures[each], channels=spec.channels),
            read_boxes=boxes.__getitem__,
        )

    return Dataset(
        source=f"coco:{path}",
        task="detection",
        labels=tuple(categories[number] for number in sorted(categories)),
        preprocessing=spec,
        train=split_of("train"),
        val=split_of("val"),
        test=split_of("test"),
        notes=(*held, *report.notes()),
    )


def read_instances(file: Path, root: Path, *, report: BoxReport) -> Instances:
    """One JSON file, checked.

    Raises:
        DataError: naming the file, and the picture or annotation that is wrong.
    """
    content = read_json(file)
    try:
        categories = {int(each["id"]): str(each["name"]) for each in content["categories"]}
        images = {int(each["id"]): each for each in content["images"]}
        rows: dict[int, list[Any]] = {number: [] for number in images}
        for each in content.get("annotations", []):
            rows[int(each["image_id"])].append(each)
        if not categories or not images:
            raise DataError(f"{file} has no categories or no images.")
        folder = folder_of(file, root, first=next(iter(images.values()))["file_name"])
        pictures, boxes = {}, {}
        for number, image in images.items():
            picture = folder / image["file_name"]
            if not picture.is_file():
                raise DataError(f"{file} names {image['file_name']}, which is not in {folder}.")
            name = picture.relative_to(root).as_posix()
            pictures[name] = picture
            boxes[name] = clean(
                _boxes(rows[number], categories, file),
                width=int(image["width"]),
                height=int(image["height"]),
                name=name,
                report=report,
            )
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{file} is not instances JSON of COCO: {type(error).__name__} {error}.",
            hint="It has images, annotations and categories, which refer to each other by id.",
        ) from None
    return Instances(categories, pictures, boxes)


def _boxes(rows: list[Any], categories: dict[int, str], file: Path) -> Boxes:
    corners, classes, crowd = [], [], []
    for each in rows:
        number = int(each["category_id"])
        if number not in categories:
            raise DataError(
                f"{file}: annotation {each.get('id')} has category {number}, which is not listed."
            )
        x, y, width, height = (float(value) for value in each["bbox"])
        corners.append([x, y, x + width, y + height])
        classes.append(number)
        crowd.append(bool(each.get("iscrowd", 0)))
    return Boxes.of(corners, classes, crowd)


def files_of(root: Path) -> dict[str, Path]:
    """Split → its instances JSON below the folder."""
    found: dict[str, Path] = {}
    for folder in (root / "annotations", root):
        for file in sorted(folder.glob("instances_*.json")):
            for split in ("train", "val", "test"):
                if file.name.startswith(f"instances_{split}"):
                    other = found.setdefault(split, file)
                    if other is not file:
                        raise DataError(f"{other} and {file} are both of {split}.", hint="Keep one of them.")
    if "train" not in found:
        raise DataError(
            f"{root} has no instances_train*.json, nor has its folder annotations.",
            hint="Name the folder that has annotations/instances_train2017.json.",
        )
    return found


def folder_of(file: Path, root: Path, *, first: str) -> Path:
    """Where the pictures of a JSON file lie, `first` being the name of one of them."""
    part = file.stem.removeprefix("instances_")
    places = [root / part, root / "images" / part, root / "images", root, file.parent]
    for place in places:
        if (place / first).is_file():
            return place
    named = ", ".join(str(place) for place in places)
    raise DataError(f"{first} of {file} is in none of {named}.", hint="Put the pictures into one of them.")


def read_json(file: Path) -> Any:
    """The mapping that a JSON file holds."""
    try:
        content = json.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise DataError(f"Cannot read {file}: {error}.", hint="Export or download it again.") from None
    if not isinstance(content, dict):
        raise DataError(f"{file} is not instances JSON of COCO: it holds a {type(content).__name__}.")
    return content
