"""`coco:PATH`: pictures with boxes in COCO's instances JSON (Lin et al., arXiv:1405.0312; cocodataset.org).

The files are `instances_train*.json`, `instances_val*.json` and perhaps `instances_test*.json`, in `annotations` or in
PATH itself; pictures lie in the folder of the file's name (`train2017`), in `images`, or in PATH. A split that is not
there is held out from train.
"""

from __future__ import annotations

from typing import Literal

from keras_tiny.boxes import Boxes
from keras_tiny.data.clean_boxes import BoxReport, clean
from keras_tiny.data.coco_json import InstancesFile, Picture, not_coco, read_instances_files
from keras_tiny.data.held_out import hold_out
from keras_tiny.data.partition import shuffled
from keras_tiny.data.sample import Dataset, Split
from keras_tiny.data.source import ImageSize, existing_folder, preprocessing_for
from keras_tiny.preprocessing.image import read_image


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
    spec = preprocessing_for(image_size, channels=channels, side=160)
    root = existing_folder(path, source="coco")
    read = read_instances_files(root)
    categories = read["train"].categories
    index = {number: place for place, number in enumerate(sorted(categories))}
    report = BoxReport()
    pictures = {each.name: each.file for part in read.values() for each in part.pictures}
    boxes = {name: each for part in read.values() for name, each in _boxes(part, index, report=report)}
    names = {split: sorted(each.name for each in part.pictures) for split, part in read.items()}
    splits, held = hold_out(names, seed=seed)

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


def _boxes(part: InstancesFile, index: dict[int, int], *, report: BoxReport) -> list[tuple[str, Boxes]]:
    """Name of a picture and its boxes, cleaned; `index`: category id → class."""
    try:
        return [
            (
                each.name,
                clean(
                    boxes_of(each, index), width=each.width, height=each.height, name=each.name, report=report
                ),
            )
            for each in part.pictures
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise not_coco(
            part.file, error, hint="Each annotation has image_id, category_id and bbox: x, y, width, height."
        ) from None


def boxes_of(picture: Picture, index: dict[int, int]) -> Boxes:
    """As they stand in the file; crowds are difficult."""
    corners, classes, crowd = [], [], []
    for each in picture.annotations:
        x, y, width, height = (float(value) for value in each["bbox"])
        corners.append([x, y, x + width, y + height])
        classes.append(index[int(each["category_id"])])
        crowd.append(bool(each.get("iscrowd", 0)))
    return Boxes.of(corners, classes, crowd)
