"""`voc_masks:PATH`: Pascal VOC's segmentation, `JPEGImages`, `SegmentationClass`, `ImageSets/Segmentation/*.txt`.

Everingham et al., IJCV 111, 2015: palette files, index 0 is background, 1 to 20 the classes in the order of their
names, 255 the outline, which is void. `labelmap.txt` ("name:r,g,b:parts:actions" per line, as CVAT writes it) names
other classes, and their colours, which are then looked up.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from keras_tiny.data.held_out import hold_out
from keras_tiny.data.mask_dataset import mask_dataset
from keras_tiny.data.masks import MaskCoding, read_mask, require_size_of
from keras_tiny.data.sample import VOID, Dataset
from keras_tiny.data.source import ImageSize, existing_folder, preprocessing_for
from keras_tiny.errors import DataError
from keras_tiny.preprocessing.image import EXTENSIONS, read_image

CLASSES = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)
_VOID_NAMES = ("void", "ignore", "unlabeled", "unlabelled")


def load_voc_masks(
    path: str, *, image_size: ImageSize | None = None, channels: Literal[1, 3] | None = None, seed: int = 0
) -> Dataset:
    """The pictures that `ImageSets/Segmentation` lists, or, without lists, every picture that has a mask.

    Args:
        path: the folder with `JPEGImages` and `SegmentationClass`.
        image_size: side or (height, width) of the model's input; 96 by default.
        channels: 3 (default) or 1.
        seed: of what is held out from train; Pascal VOC's test has no public masks, so test mostly is.

    Raises:
        DataError: a folder of another layout, a listed picture without a mask, a damaged `labelmap.txt`.
    """
    spec = preprocessing_for(image_size, channels=channels, side=96)
    root = existing_folder(path, source="voc_masks")
    masks, images = root / "SegmentationClass", _pictures(root / "JPEGImages")
    if not masks.is_dir() or not images:
        raise DataError(
            f"{root} has no pictures in JPEGImages, or no SegmentationClass.",
            hint="Give the folder that has both, e.g. VOCdevkit/VOC2012.",
        )
    labels, coding = _classes(root / "labelmap.txt")
    splits, notes = hold_out(_listed(root, masks, images), seed=seed)

    def read(name: str) -> np.ndarray:
        return read_image(images[name], channels=spec.channels)

    def mask(name: str) -> np.ndarray:
        found = read_mask(masks / f"{name}.png", coding)
        require_size_of(images[name], found)
        return found

    return mask_dataset(
        f"voc_masks:{path}",
        labels=labels,
        preprocessing=spec,
        names=splits,
        read=read,
        read_mask=mask,
        seed=seed,
        notes=notes,
    )


def _pictures(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    return {file.stem: file for file in sorted(folder.iterdir()) if file.suffix[1:].lower() in EXTENSIONS}


def _listed(root: Path, masks: Path, images: dict[str, Path]) -> dict[str, list[str]]:
    """Split → names; of a test without masks, which Pascal VOC keeps to itself, nothing."""
    lists = root / "ImageSets" / "Segmentation"
    listed = {
        split: (lists / f"{split}.txt").read_text("utf-8").split()
        for split in ("train", "val", "test")
        if (lists / f"{split}.txt").is_file()
    }
    there = {file.stem for file in masks.glob("*.png")}
    if not there & set(listed.get("test", ())):
        listed.pop("test", None)
    if not listed:
        return {"train": sorted(there & images.keys())}
    for split, names in listed.items():
        for name in names:
            if name not in images:
                raise DataError(f"{lists / split}.txt lists {name}, which has no picture in JPEGImages.")
            if name not in there:
                raise DataError(
                    f"{lists / split}.txt lists {name}, which has no mask in SegmentationClass.",
                    hint=f"Add SegmentationClass/{name}.png, or take the line out.",
                )
    if "train" not in listed:
        raise DataError(f"There is no list {lists / 'train.txt'}.")
    return listed


def _classes(labelmap: Path) -> tuple[tuple[str, ...], MaskCoding]:
    if not labelmap.is_file():
        return CLASSES, MaskCoding.numbered(len(CLASSES))
    labels: list[str] = []
    colours: dict[tuple[int, int, int], int] = {}
    for line in labelmap.read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        try:
            name, colour = line.split(":")[:2]
            red, green, blue = (int(part) for part in colour.split(","))
        except ValueError:
            raise DataError(f"{labelmap}: '{line}' is not name:r,g,b:parts:actions.") from None
        if name.lower() in _VOID_NAMES:
            colours[red, green, blue] = VOID
            continue
        colours[red, green, blue] = len(labels)
        labels.append(name)
    if len(labels) < 2:
        raise DataError(
            f"{labelmap} names {len(labels)} classes; a segmenter needs two, background among them."
        )
    values = {**{index: index for index in range(len(labels))}, VOID: VOID}
    return tuple(labels), MaskCoding(values, colours)
