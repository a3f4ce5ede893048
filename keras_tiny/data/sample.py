"""What travels: one picture with its truth, a split of them, and a data set of three splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, overload

import numpy as np

from keras_tiny.preprocessing.spec import PreprocessingSpec

if TYPE_CHECKING:
    from keras_tiny.boxes.boxes import Boxes

# The value of a mask's pixel that belongs to no class: it is neither learnt nor judged.
VOID = 255
# The label, always the first, of the pixels that belong to nothing that has a name.
BACKGROUND = "background"


@dataclass(frozen=True)
class Sample:
    """One picture and its truth.

    Attributes:
        id: stable name, e.g. the path below the data set's folder; the same in every run.
        image: uint8 (height, width, channels) as decoded, before any resize; channels is 1 or 3.
        label: class index of a classification sample, None for other tasks.
        boxes: what is where in a detection sample, in pixels of `image`; None for other tasks, no box at all is
            `Boxes` of length 0.
        mask: uint8 (height, width), the class index of every pixel of `image`, `VOID` where there is none;
            None for tasks other than segmentation.
    """

    id: str
    image: np.ndarray
    label: int | None = None
    boxes: Boxes | None = None
    mask: np.ndarray | None = None


class Split(Sequence[Sample]):
    """The samples of train, val or test, decoded when they are asked for.

    Args:
        name: "train", "val" or "test".
        ids: one stable name per sample.
        labels: class index per sample, or None where the task has no class index.
        read_image: id → uint8 (height, width, channels).
        read_boxes: id → the picture's boxes, for detection.
        read_mask: id → uint8 (height, width) class indices or `VOID`, for segmentation.

    All three readers raise `DataError` that names the file, and are called from several threads.
    """

    def __init__(
        self,
        name: str,
        ids: Sequence[str],
        labels: Sequence[int] | np.ndarray | None,
        read_image: Callable[[str], np.ndarray],
        *,
        read_boxes: Callable[[str], Boxes] | None = None,
        read_mask: Callable[[str], np.ndarray] | None = None,
    ):
        self.name = name
        self.ids = tuple(ids)
        self.labels = None if labels is None else np.array(labels, np.int64)
        self._read_image = read_image
        self._read_boxes = read_boxes
        self._read_mask = read_mask

    @property
    def has_boxes(self) -> bool:
        return self._read_boxes is not None

    @property
    def has_masks(self) -> bool:
        return self._read_mask is not None

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Split: ...
    def __getitem__(self, index: int | slice) -> Sample | Split:
        if isinstance(index, slice):
            chosen = range(len(self))[index]
            return Split(
                self.name,
                [self.ids[i] for i in chosen],
                None if self.labels is None else self.labels[index],
                self._read_image,
                read_boxes=self._read_boxes,
                read_mask=self._read_mask,
            )
        name = self.ids[index]
        return Sample(
            name,
            self._read_image(name),
            label=None if self.labels is None else int(self.labels[index]),
            boxes=self.boxes(index),
            mask=self.mask(index),
        )

    def boxes(self, index: int) -> Boxes | None:
        """The boxes of one sample without its picture; None for a task that has none."""
        return None if self._read_boxes is None else self._read_boxes(self.ids[index])

    def mask(self, index: int) -> np.ndarray | None:
        """The mask of one sample without its picture; None for a task that has none."""
        return None if self._read_mask is None else self._read_mask(self.ids[index])

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))


@dataclass(frozen=True)
class Dataset:
    """Three splits of one source, with the names of the classes and the preprocessing of the model they feed.

    Attributes:
        source: as the user named it, e.g. "digits" or "folders:flowers".
        task: "classification", "detection" or "segmentation"; each of its splits has that task's truth.
        labels: class names; the index in this tuple is `Sample.label`, a box's class, a mask's value.
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
        """What a builder takes as num_classes: the labels, and for a detector background, which comes before them."""
        return len(self.labels) + (self.task == "detection")

    def with_preprocessing(self, preprocessing: PreprocessingSpec) -> Dataset:
        """The same pictures for another input size or normalisation."""
        return replace(self, preprocessing=preprocessing)
