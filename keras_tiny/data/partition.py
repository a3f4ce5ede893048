"""Who goes into train, val and test: decided by a hash of the name, so the same on every machine and for ever.

A file's place depends on its own name and the seed alone: adding or removing other files does not move it, and no
random generator's version matters. The price is that shares are met on average, not exactly. The one exception is
a class so small that the hash leaves a split without any of it: that split borrows one (see `partition`).
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence

from keras_tiny.errors import DataError

Groups = dict[str, list[str]]


def position(name: str, *, seed: int) -> float:
    """A number in [0, 1) that depends on nothing but the name and the seed (BLAKE2b, RFC 7693).

    The name is taken in Unicode's NFC, because macOS may hand out the same file name in another form than Linux.
    """
    text = f"{seed}\0{unicodedata.normalize('NFC', name)}"
    digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53  # 53 bits: exact as a float, never 1.0


def shuffled(names: Sequence[str], *, seed: int) -> list[str]:
    """The names in the order of their positions: any first n of them are a fair sample."""
    return sorted(names, key=lambda name: (position(name, seed=seed), name))


def partition(
    groups: Mapping[str, Sequence[str]], *, shares: Mapping[str, float], seed: int
) -> dict[str, Groups]:
    """Divide every class's names into the splits of `shares` and "train", which gets the rest.

    Args:
        groups: class → names.
        shares: split → its part of each class, e.g. {"test": 0.15, "val": 0.1}; their sum is below 1.

    Returns:
        split → class → names. Every split has at least one name of every class: if the hash left a split without,
        it takes the name nearest to its range from the class's largest split.

    Raises:
        DataError: for a class with fewer names than there are splits.
    """
    ranges, start = {}, 0.0
    for split, share in shares.items():
        ranges[split] = (start, start + share)
        start += share
    ranges["train"] = (start, 1.0)

    splits: dict[str, Groups] = {split: {} for split in ranges}
    for group, names in groups.items():
        if len(names) < len(ranges):
            raise DataError(
                f"Class '{group}' has {len(names)} picture{'s' if len(names) != 1 else ''}; "
                f"{' and '.join(ranges)} need one each.",
                hint="Add pictures, or make the split folders train, val and test yourself.",
            )
        places = {name: position(name, seed=seed) for name in names}
        parts = {
            split: [name for name in names if low <= places[name] < high]
            for split, (low, high) in ranges.items()
        }
        for split, (low, high) in ranges.items():
            if not parts[split]:
                lender = max(parts, key=lambda other: len(parts[other]))
                middle = (low + high) / 2
                borrowed = min(parts[lender], key=lambda name: (abs(places[name] - middle), name))
                parts[lender].remove(borrowed)
                parts[split].append(borrowed)
        for split, part in parts.items():
            splits[split][group] = part
    return splits
