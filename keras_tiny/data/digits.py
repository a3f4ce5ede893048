"""1,797 real handwritten digits, 8x8 (E. Alpaydin, C. Kaynak: Optical Recognition of Handwritten Digits, UCI 1998).

They come with the package (`packaged/digits.npz`, its licences beside it), so that everything can be tried without
a download. The split is stored in the file: 1,197 to train, 300 to validate, 300 to test, 30 of each digit in the
latter two. The data name no writers, so one writer's digits may be on both sides; figures on them are friendly ones.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import Literal

import numpy as np

from keras_tiny.data.sample import Dataset, Split
from keras_tiny.data.source import ImageSize, preprocessing_for
from keras_tiny.errors import DataError

SPLITS = ("train", "val", "test")


def load_digits(
    path: str = "",
    *,
    image_size: ImageSize | None = None,
    channels: Literal[1, 3] | None = None,
    seed: int = 0,
) -> Dataset:
    """The packaged digits, at 32x32 grey by default.

    Args:
        path: none, the data are in the package.
        image_size: side or (height, width) of the model's input; 32 by default.
        channels: 1 (default), or 3 for a network that wants colour: the grey is repeated.
        seed: without effect, as the split is fixed: figures with other seeds stay comparable.
    """
    del seed
    if path:
        raise DataError(
            f"The source 'digits' takes no path, got '{path}'.", hint="Write digits, or folders:PATH."
        )
    spec = preprocessing_for(image_size, channels=channels, side=32, usual_channels=1)
    pixels, labels, split_of = packed()

    def read(name: str) -> np.ndarray:
        grey = pixels[int(name.removeprefix("digits/"))]
        return np.repeat(grey[:, :, None], spec.channels, axis=2)

    def split(name: str) -> Split:
        order = [index for index in range(len(labels)) if SPLITS[split_of[index]] == name]
        return Split(name, [sample_name(index) for index in order], labels[order].tolist(), read)

    return Dataset(
        source="digits",
        task="classification",
        labels=tuple(str(digit) for digit in range(10)),
        preprocessing=spec,
        train=split("train"),
        val=split("val"),
        test=split("test"),
        licence="CC BY 4.0: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998",
    )


def sample_name(index: int) -> str:
    """The stable id of one digit by its index in the source's order."""
    return f"digits/{index:04d}"


@cache
def packed() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the file holds, read-only.

    Returns:
        pixels: uint8 (1797, 8, 8), 0 (paper) to 255 (ink); the file has 0..16, the ink pixels of 4x4 of the scan.
        labels: uint8 (1797,), the digit.
        split: uint8 (1797,), index into `SPLITS`.
    """
    content = files("keras_tiny.data").joinpath("packaged/digits.npz").read_bytes()
    with np.load(BytesIO(content), allow_pickle=False) as archive:
        counts, labels, split = archive["counts"], archive["labels"], archive["split"]
    pixels = ((counts.astype(np.uint16) * 255 + 8) // 16).astype(np.uint8)
    for array in (pixels, labels, split):
        array.flags.writeable = False
    return pixels, labels, split
