"""What COCO's instances JSON says of each picture, checked (cocodataset.org, format-data).

Boxes and masks are both read from it: what is checked here is the same for both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_tiny.errors import DataError


@dataclass(frozen=True)
class Picture:
    """One picture of a JSON file.

    Attributes:
        name: its path below the data set's folder, unique over all splits.
        width, height: in pixels, as the JSON file says.
        annotations: its rows, as they are in the file; every `category_id` is one of the file's.
    """

    name: str
    file: Path
    width: int
    height: int
    annotations: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class InstancesFile:
    """Attributes: categories: id → name."""

    file: Path
    categories: dict[int, str]
    pictures: tuple[Picture, ...]


def read_instances_files(root: Path) -> dict[str, InstancesFile]:
    """Split → its file below the folder, all of the same categories.

    Raises:
        DataError: no file of train, one that is damaged or refers to what is not in it, a picture that is missing.
    """
    read = {split: read_instances_file(file, root) for split, file in files_of(root).items()}
    for split, instances in read.items():
        if instances.categories != read["train"].categories:
            raise DataError(
                f"The categories of train and {split} in {root} differ.", hint="Export them together."
            )
    return read


def read_instances_file(file: Path, root: Path) -> InstancesFile:
    """One JSON file.

    Raises:
        DataError: naming the file, and the picture or annotation that is wrong.
    """
    content = read_json(file)
    try:
        categories = {int(each["id"]): str(each["name"]) for each in content["categories"]}
        images = {int(each["id"]): each for each in content["images"]}
        if not categories or not images:
            raise DataError(f"{file} has no categories or no images.")
        rows: dict[int, list[Mapping[str, Any]]] = {number: [] for number in images}
        for each in content.get("annotations", []):
            if int(each["category_id"]) not in categories:
                raise DataError(
                    f"{file}: annotation {each.get('id')} has category {each['category_id']}, which is not listed."
                )
            rows[int(each["image_id"])].append(each)
        folder = folder_of(file, root, first=next(iter(images.values()))["file_name"])
        pictures = tuple(
            _picture(image, folder, root, file=file, rows=rows[number]) for number, image in images.items()
        )
    except (KeyError, TypeError, ValueError) as error:
        raise not_coco(
            file, error, hint="It has images, annotations and categories, which refer to each other by id."
        ) from None
    return InstancesFile(file, categories, pictures)


def _picture(
    image: Mapping[str, Any], folder: Path, root: Path, *, file: Path, rows: list[Mapping[str, Any]]
) -> Picture:
    place = folder / image["file_name"]
    if not place.is_file():
        raise DataError(f"{file} names {image['file_name']}, which is not in {folder}.")
    name = place.relative_to(root).as_posix()
    return Picture(name, place, int(image["width"]), int(image["height"]), tuple(rows))


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
        raise DataError(f"{file} is not JSON of COCO: it holds a {type(content).__name__}.")
    return content


def not_coco(file: Path, error: Exception, *, hint: str, kind: str = "instances") -> DataError:
    """What to raise for a file in which something is missing or of another type."""
    return DataError(f"{file} is not {kind} JSON of COCO: {type(error).__name__} {error}.", hint=hint)
