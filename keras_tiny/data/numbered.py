"""A test split by the number in a file's name, as some data sets define theirs: "PATH?test_every=5"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from keras_tiny.errors import DataError


def without_query(path: str) -> tuple[str, int | None]:
    """ "PATH?test_every=5" → ("PATH", 5), "PATH" → ("PATH", None).

    It is part of the source's name and not an option, so that it travels with the name into bundles and records.
    """
    folder, mark, query = path.rpartition("?")
    if not mark:
        return path, None
    key, _, value = query.partition("=")
    if key != "test_every" or not value.isdecimal() or int(value) < 2:
        raise DataError(f"'?{query}' is not understood.", hint="Write PATH?test_every=5, with 2 or more.")
    return folder, int(value)


def every_nth_as_test(
    splits: Mapping[str, Sequence[str]], divisor: int
) -> tuple[dict[str, Sequence[str]], tuple[str, ...]]:
    """Move the names whose last number is divisible by `divisor` from train to test, and say so in a note.

    Raises:
        DataError: there is a test already, or a name without a number.
    """
    if "test" in splits:
        raise DataError(f"There is a test split already; test_every={divisor} would make another.")
    numbers = {name: _last_number(name) for name in splits["train"]}
    test = [name for name, number in numbers.items() if number % divisor == 0]
    train = [name for name, number in numbers.items() if number % divisor]
    if not test or not train:
        raise DataError(
            f"test_every={divisor} leaves {len(train)} pictures to train and {len(test)} to test."
        )
    note = f"test are the {len(test)} pictures whose number is divisible by {divisor}"
    return {**splits, "train": train, "test": test}, (note,)


def _last_number(name: str) -> int:
    found = re.findall(r"\d+", name)
    if not found:
        raise DataError(f"test_every needs a number in every name; '{name}' has none.")
    return int(found[-1])
