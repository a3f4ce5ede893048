"""What will be streamed: the data held against the bundle, and the samples chosen, before any port is opened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keras_tiny import data as data_room
from keras_tiny.data.sample import Dataset, Split
from mcu.bundle import Bundle, Manifest
from mcu.errors import BadInput
from mcu.hil.tasks import task_of


@dataclass(frozen=True)
class Plan:
    """The samples of one run.

    Attributes:
        source: the data as the user named it; empty for a bare split.
        split: where the samples come from.
        indices: which of them, ascending.
    """

    source: str
    split: Split
    indices: tuple[int, ...]


def make_plan(
    bundle: Bundle,
    data: Dataset | Split | str,
    *,
    limit: int | None = None,
    seed: int | None = None,
    part: tuple[int, int] | None = None,
) -> Plan:
    """Check that the data is what the bundle was made for, and choose the samples.

    Args:
        data: the name of a source (its test split is taken), a data set (likewise) or a split.
        limit: at most this many samples: the classes take turns, chosen by `seed`, so that ten samples of ten
            classes are one of each; None for all.
        seed: of that choice, and of the split of a source that has none of its own; None for the seed with which
            the bundle's data was split, so that no training sample is taken for a test.
        part: (k, n): of these samples every n-th, beginning with the k-th, counted from 0; None for all.

    Raises:
        BadInput: another task, other labels, other inputs than one picture, an empty split, a limit below 1, a part
            that is none or has no samples.
        DataError: from opening the source.
    """
    if limit is not None and limit < 1:
        raise BadInput(f"limit is {limit}; it must be at least 1.")
    manifest = bundle.manifest
    if len(manifest.inputs) != 1:
        raise BadInput(
            f"The bundle '{manifest.name}' takes {len(manifest.inputs)} inputs; pictures go into one."
        )
    if seed is None:
        seed = int(manifest.data.get("seed", 0))
    if isinstance(data, str):
        spec = manifest.preprocessing
        data = data_room.load(data, image_size=(spec.height, spec.width), channels=spec.channels, seed=seed)
    source = ""
    if isinstance(data, Dataset):
        source = data.source
        check_same_job(data, manifest)
        data = data.test
    where = f"The {data.name} split" + (f" of '{source}'" if source else "")
    if not len(data):
        raise BadInput(f"{where} is empty.", hint="Name data with test samples.")
    task_of(manifest).check(data, where)
    chosen = choose(data, limit=limit, seed=seed)
    if part is not None:
        chosen = _part_of(chosen, *part)
    return Plan(source, data, chosen)


def _part_of(chosen: tuple[int, ...], first: int, step: int) -> tuple[int, ...]:
    if not 0 <= first < step:
        raise BadInput(f"There is no part {first + 1} of {step}.", hint="Parts are 1/N to N/N.")
    if first >= len(chosen):
        raise BadInput(
            f"Part {first + 1} of {step} of {len(chosen)} samples has none.", hint="Take fewer parts."
        )
    return chosen[first::step]


def check_same_job(data: Dataset, manifest: Manifest) -> None:
    """BadInput that names the difference, unless task and labels of the data are the bundle's."""
    if data.task != manifest.task:
        raise BadInput(
            f"The data '{data.source}' is for {data.task}, the bundle '{manifest.name}' for {manifest.task}.",
            hint="Validate with data of the bundle's task.",
        )
    if data.labels == manifest.labels:
        return
    missing = [label for label in manifest.labels if label not in data.labels]
    extra = [label for label in data.labels if label not in manifest.labels]
    if missing or extra:
        difference = "; ".join(
            part
            for part in (
                f"only the bundle has {_names(missing)}" if missing else "",
                f"only the data has {_names(extra)}" if extra else "",
            )
            if part
        )
    else:
        at = next(i for i, (a, b) in enumerate(zip(data.labels, manifest.labels, strict=True)) if a != b)
        difference = f"they are in another order: class {at} is '{data.labels[at]}' in the data, "
        difference += f"'{manifest.labels[at]}' in the bundle"
    raise BadInput(
        f"The data '{data.source}' has other labels than the bundle '{manifest.name}': {difference}.",
        hint="Validate with the data that the bundle was trained for.",
    )


def choose(split: Split, *, limit: int | None, seed: int) -> tuple[int, ...]:
    """Indices of at most `limit` samples, ascending; see `make_plan`."""
    if limit is None or limit >= len(split):
        return tuple(range(len(split)))
    shuffled = np.random.default_rng(seed).permutation(len(split))
    if split.labels is None:
        return tuple(sorted(shuffled[:limit].tolist()))
    labels = split.labels[shuffled]
    # The k-th sample of its class plays in round k.
    rounds = np.empty(len(split), np.int64)
    for label in np.unique(labels):
        rounds[labels == label] = np.arange((labels == label).sum())
    return tuple(sorted(shuffled[np.argsort(rounds, kind="stable")[:limit]].tolist()))


def _names(labels: list[str], *, most: int = 5) -> str:
    named = ", ".join(f"'{label}'" for label in labels[:most])
    return named + (f" and {len(labels) - most} more" if len(labels) > most else "")
