"""Data sets by name: `digits`, `folders:PATH`, `cifar10:PATH`, each read into one `Dataset` of `Sample`s."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from keras_tiny.data.arrays import BadImages, check, prepare_images, prepare_split
from keras_tiny.data.sample import VOID, Dataset, Sample, Split
from keras_tiny.data.source import ImageSize, Source
from keras_tiny.errors import DataError
from keras_tiny.registry import Entry, Registry

__all__ = [
    "SOURCES",
    "VOID",
    "BadImages",
    "Dataset",
    "Sample",
    "Source",
    "Split",
    "check",
    "load",
    "prepare_images",
    "prepare_split",
]

SOURCES = Registry(
    "data source",
    {
        "digits": Entry("keras_tiny.data.digits:load_digits", task="classification"),
        "folders": Entry("keras_tiny.data.folders:load_folders", task="classification"),
        "cifar10": Entry("keras_tiny.data.cifar10:load_cifar10", task="classification"),
        "paired_masks": Entry("keras_tiny.data.paired_masks:load_paired_masks", task="segmentation"),
        "voc_masks": Entry("keras_tiny.data.voc_masks:load_voc_masks", task="segmentation"),
        "coco_masks": Entry("keras_tiny.data.coco_masks:load_coco_masks", task="segmentation"),
        "coco_foreground": Entry("keras_tiny.data.coco_masks:load_coco_foreground", task="segmentation"),
        "coco_panoptic": Entry("keras_tiny.data.coco_panoptic:load_coco_panoptic", task="segmentation"),
        "supervisely": Entry("keras_tiny.data.supervisely:load_supervisely", task="segmentation"),
        "fsoco": Entry("keras_tiny.data.supervisely:load_fsoco", task="segmentation"),
        "digits_scenes": Entry("keras_tiny.data.scenes:load_scenes", task="detection"),
        "pascal_voc": Entry("keras_tiny.data.pascal_voc:load_pascal_voc", task="detection"),
        "coco": Entry("keras_tiny.data.coco:load_coco", task="detection"),
        "digits_masks": Entry("keras_tiny.data.scenes:load_masks", task="segmentation"),
        "digits_ink": Entry("keras_tiny.data.scenes:load_ink", task="segmentation"),
    },
    group="keras_tiny.data",
)


def load(
    source: str,
    *,
    image_size: ImageSize | None = None,
    channels: Literal[1, 3] | None = None,
    seed: int = 0,
) -> Dataset:
    """Open a data set; pictures are decoded when they are asked for, so 50,000 files open in about a second.

    Args:
        source: a name of `SOURCES`, with what it reads behind a colon: "digits", "folders:PATH", "pascal_voc:PATH"
            (docs/how_to/add_a_data_set.md adds one).
        image_size: side in pixels or (height, width) of the model's input, 1 to 4096;
            by default 32 for digits and CIFAR-10, 160 for boxes, 96 for most others.
        channels: 3 (RGB) or 1 (grey); by default 1 for digits, 3 for the others.
        seed: of the splits that are made here; `digits` and folders named train, val and test have their own.

    Raises:
        UnknownName: for a source that is in no table; near names are offered.
        DataError: for a data set that cannot be used; the message says what is wrong and where.
    """
    name, _, path = source.partition(":")
    if name not in SOURCES and Path(source).expanduser().exists():
        raise DataError(f"'{source}' is a path, not the name of a source.", hint=f"Write folders:{source}")
    read: Source = SOURCES.load(name)
    return replace(read(path, image_size=image_size, channels=channels, seed=seed), seed=seed)
