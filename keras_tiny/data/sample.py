"""What travels: one picture with its truth, a split of them, and a data set of three splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

import numpy as np

from keras_tiny.preprocessing.spec import PreprocessingSpec


@dataclass(frozen=True)
class Sample:
    """One picture and its truth.

    Attributes:
        id: stable name, e.g. the path below the data set's folder; the same in every run.
        image: uint8 (height, width, channels) as decoded, before any resize; channels is 1 or 3.
        label: class index of a classification sample, None for other tasks.
    """

    id: str
    image: np.ndarray
    label: int | None = None


class Split(Sequence[Sample]):
    """The samples of train, val or test, decoded when they are asked for.

    Args:
        name: "train", "val" or "test".
        ids: one stable name per sample.
        labels: class index per sample, or None where the task has no class index.
        read_image: id → uint8 (height, width, channels).
    """

    def __init__(
        self,
        name: str,
        ids: Sequence[str],
        labels: Sequence[int] | np.ndarray | None,
        read_image: Callable[[str], np.ndarray],
    ):
        self.name = name
        self.ids = tuple(ids)
        self.labels = None if labels is None else np.array(labels, np.int64)
        self._read_image = read_image

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Split: ...
    def __getitem__(self, index: int | slice) -> Sample | Split:
        if isinstance(index, slice):
            chosen = range(len(self))[index]
            labels = None if self.labels is None else self.labels[index]
            return Split(self.name, [self.ids[i] for i in chosen], labels, self._read_image)
        label = None if self.labels is None else int(self.labels[index])
        return Sample(self.ids[index], self._read_image(self.ids[index]), label)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))


@dataclass(frozen=True)
class Dataset:
    """Three splits of one source, with the names of the classes and the preprocessing of the model they feed.

    Attributes:
        source: as the user named it, e.g. "digits" or "folders:flowers".
        task: "classification" (detection and segmentation join with their tasks).
        labels: class names; the index in this tuple is `Sample.label`.
        licence: of the pictures, for the model card; empty if unknown.
        seed: with which the splits were made, where the source has none of its own.
    """

    source: str
    task: str
    labels: tuple[str, ...]
    preprocessing: PreprocessingSpec
    train: Split
    val: Split
    test: Split
    licence: str = ""
    notes: tuple[str, ...] = field(default=())
    seed: int = 0

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of the model's input."""
        return self.preprocessing.height, self.preprocessing.width, self.preprocessing.channels

    @property
    def num_classes(self) -> int:
        return len(self.labels)

    def with_preprocessing(self, preprocessing: PreprocessingSpec) -> Dataset:
        """The same pictures for another input size or normalisation."""
        return replace(self, preprocessing=preprocessing)
