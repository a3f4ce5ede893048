"""Splits that a data set does not come with are held out from the ones it has, by a hash of each name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from keras_tiny.data.partition import partition
from keras_tiny.errors import DataError

SHARES = {"test": 0.15, "val": 0.10}


def hold_out(
    splits: Mapping[str, Sequence[str]], *, seed: int, groups: Mapping[str, str] | None = None
) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """train, val and test of `splits`, what is missing taken from train, and a note that says so.

    Args:
        splits: split → names; "train" must be there.
        groups: name → what must not be torn apart, e.g. the team that took the picture; whole groups are held out
            then. None holds out single names.

    Raises:
        DataError: too few names or groups for every split to get one, or a split that is there and empty.
    """
    for name, members in splits.items():
        if not members:
            raise DataError(f"The split '{name}' has no pictures.", hint="Fill it or remove it.")
    missing = {name: share for name, share in SHARES.items() if name not in splits}
    done = {name: sorted(members) for name, members in splits.items()}
    if not missing:
        return done, ()
    train = done["train"]
    owner = {name: name if groups is None else groups[name] for name in train}
    owners = sorted(set(owner.values()))
    kind = "pictures" if groups is None else "groups"
    if len(owners) <= len(missing):
        raise DataError(
            f"{len(owners)} {kind} are too few to hold out {' and '.join(missing)} from.",
            hint="Add pictures, or make the splits yourself.",
        )
    parts = partition({kind: owners}, shares=missing, seed=seed)
    place = {each: split for split, part in parts.items() for each in part[kind]}
    done["train"] = [name for name in train if place[owner[name]] == "train"]
    for split in missing:
        done[split] = [name for name in train if place[owner[name]] == split]
    held = " and ".join(f"{share:.0%} as {name}" for name, share in missing.items())
    of = "each path" if groups is None else "each group's name; no group is in two splits"
    return done, (f"held out {held} by a hash of {of}, seed {seed}",)
