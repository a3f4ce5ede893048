"""A `Dataset` for segmentation from what every source of masks finds out: names by split, a picture and a mask each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from keras_tiny.data.partition import shuffled
from keras_tiny.data.sample import Dataset, Split
from keras_tiny.preprocessing.spec import PreprocessingSpec

Read = Callable[[str], np.ndarray]


def mask_dataset(
    source: str,
    *,
    labels: tuple[str, ...],
    preprocessing: PreprocessingSpec,
    names: Mapping[str, Sequence[str]],
    read: Read,
    read_mask: Read,
    seed: int,
    notes: tuple[str, ...] = (),
    licence: str = "",
) -> Dataset:
    """Pictures and masks are read when they are asked for.

    Args:
        names: of the pictures of "train", "val" and "test"; each split is shuffled by `seed`.
        read: name → picture, uint8 (height, width, channels).
        read_mask: name → its mask, uint8 (height, width), 255 where nothing is labelled.
    """

    def split(name: str) -> Split:
        return Split(name, shuffled(names[name], seed=seed), None, read, read_mask=read_mask)

    return Dataset(
        source=source,
        task="segmentation",
        labels=labels,
        preprocessing=preprocessing,
        licence=licence,
        notes=notes,
        train=split("train"),
        val=split("val"),
        test=split("test"),
    )
