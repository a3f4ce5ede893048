"""CIFAR-10 as people have it (A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009).

Three layouts, found by what lies in the folder: the python distribution (`data_batch_1`…`5`, `test_batch`), the binary
one (the same names with `.bin`), and class folders (`train/cat/0001.jpg`…). The 10,000 test images stay test; a tenth
of the training images is held out as val, by a hash of each image's name (see `partition`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from keras_tiny.data.cifar_pickle import read_batch
from keras_tiny.data.folders import VAL_SHARE, load_folders, split_folders
from keras_tiny.data.partition import partition, shuffled
from keras_tiny.data.sample import Dataset, Split
from keras_tiny.data.source import ImageSize, existing_folder, preprocessing_for
from keras_tiny.errors import DataError

LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
LICENCE = "none stated; A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009"

_TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
_TEST_BATCH = "test_batch"
_USUAL_FOLDERS = ("cifar-10-batches-py", "cifar-10-batches-bin", "cifar10", "cifar-10")
_IMAGE_BYTES = 3 * 32 * 32


@dataclass(frozen=True)
class Batch:
    """One file.

    Attributes:
        pixels: uint8 (images, 3, 32, 32): red, green and blue planes, as stored.
        labels: uint8 (images,), index into `LABELS`.
    """

    pixels: np.ndarray
    labels: np.ndarray


def load_cifar10(
    path: str, *, image_size: ImageSize | None = None, channels: Literal[1, 3] | None = None, seed: int = 0
) -> Dataset:
    """CIFAR-10 from the folder that the archive was unpacked to, or the one above it.

    Args:
        path: the folder.
        image_size: side or (height, width) of the model's input; 32 by default.
        channels: 3 (default) or 1.
        seed: of the part of the training images that is held out as val.

    Raises:
        DataError: for a batch that is missing, truncated, or holds anything but plain data, and for class folders
            that are not CIFAR-10's.
    """
    spec = preprocessing_for(image_size, channels=channels, side=32)
    given = existing_folder(path, source="cifar10")
    folder = next((given / name for name in _USUAL_FOLDERS if (given / name).is_dir()), given)
    for suffix, read in (("", read_python_batch), (".bin", read_binary_batch)):
        if any((folder / f"{name}{suffix}").is_file() for name in (*_TRAIN_BATCHES, _TEST_BATCH)):
            batches = _read_batches(folder, suffix=suffix, read=read)
            break
    else:
        if not split_folders(folder):
            raise DataError(
                f"{folder} holds no CIFAR-10: neither data_batch_1, nor data_batch_1.bin, nor train/airplane.",
                hint="Name the folder that cifar-10-python.tar.gz or cifar-10-binary.tar.gz unpacks to.",
            )
        return _from_folders(path, folder, size=(spec.height, spec.width), channels=spec.channels, seed=seed)

    labels = {
        f"{name}/{index:05d}": int(label)
        for name, batch in batches.items()
        for index, label in enumerate(batch.labels)
    }
    groups: dict[str, list[str]] = {}
    names: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for name, label in labels.items():
        if name.startswith(_TEST_BATCH):
            names["test"].append(name)
        else:
            groups.setdefault(LABELS[label], []).append(name)
    for part, members in partition(groups, shares={"val": VAL_SHARE}, seed=seed).items():
        for images in members.values():
            names[part] += images

    def read_image(name: str) -> np.ndarray:
        batch, _, index = name.partition("/")
        return np.ascontiguousarray(batches[batch].pixels[int(index)].transpose(1, 2, 0))

    def split(name: str) -> Split:
        order = shuffled(names[name], seed=seed)
        return Split(name, order, [labels[image] for image in order], read_image)

    return Dataset(
        source=f"cifar10:{path}",
        task="classification",
        labels=LABELS,
        preprocessing=spec,
        train=split("train"),
        val=split("val"),
        test=split("test"),
        licence=LICENCE,
        notes=(f"held out {VAL_SHARE:.0%} as val by a hash of each name, seed {seed}",),
    )


def read_python_batch(file: Path) -> Batch:
    """A batch of the python distribution, read by an interpreter that builds plain data only."""
    content = read_batch(_bytes_of(file), name=str(file))
    if "fine_labels" in content:
        raise DataError(
            f"{file} is of CIFAR-100.", hint="Only CIFAR-10 is read; CIFAR-100 works as folders:PATH."
        )
    pixels, labels = content.get("data"), content.get("labels")
    if not isinstance(pixels, np.ndarray) or pixels.ndim != 2 or pixels.shape[1] != _IMAGE_BYTES:
        raise DataError(f"{file} is no CIFAR-10 batch: 'data' is not uint8 (images, {_IMAGE_BYTES}).")
    if not isinstance(labels, list) or not all(type(label) is int and 0 <= label <= 9 for label in labels):
        raise DataError(f"{file} is no CIFAR-10 batch: 'labels' is not a list of 0 to 9.")
    if len(labels) != len(pixels):
        raise DataError(f"{file} is damaged: {len(pixels)} images, {len(labels)} labels.")
    return Batch(pixels.reshape(-1, 3, 32, 32), np.array(labels, np.uint8))


def read_binary_batch(file: Path) -> Batch:
    """A batch of the binary distribution: rows of one label byte and 3,072 pixel bytes."""
    content = np.frombuffer(_bytes_of(file), np.uint8)
    row = 1 + _IMAGE_BYTES
    if len(content) == 0 or len(content) % row:
        raise DataError(
            f"{file} is truncated: {len(content):,} bytes are no whole number of images of {row:,}.",
            hint="Unpack the archive again, or download it again.",
        )
    rows = content.reshape(-1, row)
    if rows[:, 0].max() > 9:
        raise DataError(f"{file} is no CIFAR-10 batch: it has a label {rows[:, 0].max()}, beyond 9.")
    return Batch(rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0])


def _read_batches(folder: Path, *, suffix: str, read: Callable[[Path], Batch]) -> dict[str, Batch]:
    files = {name: folder / f"{name}{suffix}" for name in (*_TRAIN_BATCHES, _TEST_BATCH)}
    missing = [file.name for file in files.values() if not file.is_file()]
    if missing:
        raise DataError(f"{folder} lacks {', '.join(missing)}.", hint="Unpack the archive again.")
    batches = {name: read(file) for name, file in files.items()}
    # A file cut between two images looks whole by itself; all six hold the same number (10,000).
    most = max(len(batch.labels) for batch in batches.values())
    for name, batch in batches.items():
        if len(batch.labels) < most:
            raise DataError(
                f"{files[name]} is truncated: {len(batch.labels):,} images, other batches have {most:,}.",
                hint="Unpack the archive again, or download it again.",
            )
    return batches


def _from_folders(path: str, folder: Path, *, size: ImageSize, channels: Literal[1, 3], seed: int) -> Dataset:
    dataset = load_folders(str(folder), image_size=size, channels=channels, seed=seed)
    if dataset.labels != LABELS:
        raise DataError(
            f"The classes in {folder} are not those of CIFAR-10: {', '.join(dataset.labels)}.",
            hint=f"Load your own classes with folders:{path}.",
        )
    return replace(dataset, source=f"cifar10:{path}", licence=LICENCE)


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise DataError(f"Cannot read {file}: {error.strerror}.") from error
