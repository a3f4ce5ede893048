"""How `packaged/digits.npz` was made from scikit-learn's copy: `python -m keras_tiny.data.digits_pack OUT.npz`.

Needs scikit-learn, which the package itself does not. Not run again unless the format changes: the split is for ever.
"""

from __future__ import annotations

import sys

import numpy as np

from keras_tiny.data.digits import SPLITS, sample_name
from keras_tiny.data.partition import position

_HELD_OUT_PER_DIGIT = 30


def pack(file: str) -> None:
    """Write counts uint8 (1797, 8, 8) of 0..16, labels uint8 (1797,), split uint8 (1797,) index into `SPLITS`."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    labels = digits.target.astype(np.uint8)
    np.savez_compressed(file, counts=digits.images.astype(np.uint8), labels=labels, split=stratified(labels))


def stratified(labels: np.ndarray) -> np.ndarray:
    """Index into `SPLITS` per sample: of each digit, in the order of their hashes, 30 test, 30 val, the rest train."""
    split = np.full(len(labels), SPLITS.index("train"), np.uint8)
    for digit in range(10):
        order = sorted(
            np.flatnonzero(labels == digit), key=lambda index: position(sample_name(int(index)), seed=0)
        )
        split[order[:_HELD_OUT_PER_DIGIT]] = SPLITS.index("test")
        split[order[_HELD_OUT_PER_DIGIT : 2 * _HELD_OUT_PER_DIGIT]] = SPLITS.index("val")
    return split


if __name__ == "__main__":
    pack(sys.argv[1])
