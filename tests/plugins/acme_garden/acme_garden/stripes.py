"""Stripes that lie or stand: a data set that is drawn, not read."""

import numpy as np

from keras_tiny.data import Dataset, Split
from keras_tiny.data.source import preprocessing_for
from keras_tiny.errors import DataError

COUNTS = {"train": 96, "val": 24, "test": 48}


def load_stripes(path, *, image_size=None, channels=None, seed=0):
    """Two classes, "lying" and "standing"; it takes no path."""
    if path:
        raise DataError(f"acme_stripes reads no files, but was given '{path}'.", hint="Write acme_stripes.")

    def split(name):
        ids = [f"{name}-{index:03d}" for index in range(COUNTS[name])]
        return Split(name, ids, [index % 2 for index in range(len(ids))], _draw)

    return Dataset(
        source="acme_stripes",
        task="classification",
        labels=("lying", "standing"),
        preprocessing=preprocessing_for(image_size, channels=channels, side=32, usual_channels=1),
        train=split("train"),
        val=split("val"),
        test=split("test"),
    )


def _draw(name):
    """One picture, uint8 (32, 32, 1): the same in every run, because all of it follows from its name."""
    rng = np.random.default_rng(list(name.encode()))
    period, phase = rng.integers(4, 9), rng.integers(0, 8)
    rows = np.where((np.arange(32) + phase) % period < period // 2, 220, 30)
    picture = np.tile(rows[:, None], (1, 32)) + rng.integers(-20, 21, (32, 32))
    standing = int(name[-3:]) % 2
    return np.asarray(picture.T if standing else picture, np.uint8)[..., None]
