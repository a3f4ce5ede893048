"""Class folders: `root/<class>/<picture>`, or `root/{train,val,test}/<class>/<picture>`.

A class is a folder's name; the pictures of a class may lie in folders of their own below it. What is not there is
held out: val, and test, from train; all three from folders that are not divided (see `partition` for the rule, which
depends on each file's path below the root, and the seed). A split folder that is there but empty is an error.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

import numpy as np

from keras_tiny.data.image_files import LeftOut, entries, find_pictures, identity, is_folder
from keras_tiny.data.partition import Groups, partition, shuffled
from keras_tiny.data.sample import Dataset, Split
from keras_tiny.data.source import ImageSize, existing_folder, preprocessing_for
from keras_tiny.errors import DataError
from keras_tiny.preprocessing.image import read_image

TEST_SHARE = 0.15
VAL_SHARE = 0.10

_SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


def load_folders(
    path: str, *, image_size: ImageSize | None = None, channels: Literal[1, 3] | None = None, seed: int = 0
) -> Dataset:
    """The class folders below `path`; the pictures are listed now and decoded when they are asked for.

    Args:
        path: the root folder.
        image_size: side or (height, width) of the model's input; 96 by default.
        channels: 3 (default) or 1.
        seed: of what is held out.

    Raises:
        DataError: for a folder that is missing or has no pictures, one class only, splits of different classes,
            an empty split, or a class that is too small to be divided.
    """
    spec = preprocessing_for(image_size, channels=channels, side=96)
    root = existing_folder(path, source="folders")
    left_out = LeftOut()
    notes: list[str] = []
    folders = split_folders(root)
    if folders:
        splits = {name: _groups(root, folder, left_out=left_out) for name, folder in folders.items()}
        _note_ignored(root, folders=folders.values(), left_out=left_out)
    else:
        splits = {"train": _groups(root, "", left_out=left_out)}
    labels = _common_labels(root, splits)

    shares = {name: share for name, share in (("test", TEST_SHARE), ("val", VAL_SHARE)) if name not in splits}
    if shares:
        splits |= partition(splits["train"], shares=shares, seed=seed)
        held_out = " and ".join(f"{share:.0%} as {name}" for name, share in shares.items())
        notes.append(f"held out {held_out} by a hash of each path, seed {seed}")

    def read(name: str) -> np.ndarray:
        return read_image(root / name, channels=spec.channels)

    def split(name: str) -> Split:
        names = shuffled([image for images in splits[name].values() for image in images], seed=seed)
        index = {image: labels.index(label) for label, images in splits[name].items() for image in images}
        return Split(name, names, [index[image] for image in names], read)

    return Dataset(
        source=f"folders:{path}",
        task="classification",
        labels=labels,
        preprocessing=spec,
        train=split("train"),
        val=split("val"),
        test=split("test"),
        notes=(*notes, *left_out.notes()),
    )


def split_folders(root: Path) -> dict[str, str]:
    """Split → name of its folder, of those that are there; empty if the folders below the root are classes.

    A folder named "train" that has pictures but no folders in it is a class (of vehicles, say).

    Raises:
        DataError: for two folders of one split, or val and test without train.
    """
    folders: dict[str, str] = {}
    for entry in entries(root):
        split = _SPLIT_NAMES.get(entry.name.lower())
        if split is None or not is_folder(entry) or not _may_be_split(Path(entry.path)):
            continue
        if split in folders:
            raise DataError(f"{root} has both {folders[split]} and {entry.name}.", hint="Keep one of them.")
        folders[split] = entry.name
    if folders and "train" not in folders:
        raise DataError(
            f"{root} has {' and '.join(folders.values())}, but no train folder with classes in it.",
            hint="Lay it out as train/<class>/<picture>, or name the folder above the classes.",
        )
    return folders


def _may_be_split(folder: Path) -> bool:
    below = entries(folder)
    return not below or any(is_folder(entry) and not entry.name.startswith(".") for entry in below)


def _groups(root: Path, folder: str, *, left_out: LeftOut) -> Groups:
    """Class → paths below the root, of the classes in root/folder."""
    place = root / folder
    above = frozenset({identity(root), identity(place)})
    groups = {}
    for entry in entries(place):
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.name.startswith("."):
            left_out.hidden += 1
        elif is_folder(entry):
            pictures = find_pictures(Path(entry.path), prefix=path, left_out=left_out, above=above)
            if pictures:
                groups[entry.name] = pictures
            else:
                left_out.empty_folders.append(path)
        else:
            left_out.not_pictures.append(path)
    if not groups:
        raise DataError(
            f"{place} has no pictures in class folders.",
            hint="Lay it out as <class>/<picture>, pictures being jpg, png, bmp, gif, webp, tif, ppm or pgm.",
        )
    return groups


def _common_labels(root: Path, splits: dict[str, Groups]) -> tuple[str, ...]:
    train = splits["train"]
    if len(train) == 1:
        raise DataError(
            f"{root} has one class only, '{next(iter(train))}'.", hint="A classifier needs at least two."
        )
    for name, groups in splits.items():
        differences = [
            f"only in {here}: {', '.join(sorted(ours - theirs))}"
            for here, ours, theirs in (("train", set(train), set(groups)), (name, set(groups), set(train)))
            if ours - theirs
        ]
        if differences:
            raise DataError(
                f"The classes of train and {name} in {root} differ; {'; '.join(differences)}.",
                hint="Every split needs pictures of every class.",
            )
    return tuple(sorted(train))


def _note_ignored(root: Path, *, folders: Collection[str], left_out: LeftOut) -> None:
    """Beside train, val and test there may be a README; another folder with pictures means a mistake."""
    for entry in entries(root):
        if entry.name in folders:
            continue
        if entry.name.startswith("."):
            left_out.hidden += 1
        elif not is_folder(entry):
            left_out.not_pictures.append(entry.name)
        elif find_pictures(
            Path(entry.path), prefix=entry.name, left_out=LeftOut(), above=frozenset({identity(root)})
        ):
            raise DataError(
                f"{root} has split folders ({', '.join(folders)}) and beside them '{entry.name}' with pictures.",
                hint="Move it away, or into the splits.",
            )
        else:
            left_out.empty_folders.append(entry.name)
