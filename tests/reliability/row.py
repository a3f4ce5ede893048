"""One row of docs/reference/results.md's table of reliability: what must hold, and the function that tries it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What was seen.

    Attributes:
        holds: whether the facts are what the row asks for.
        seen: in words and figures, for the table.
        in_time: whether it was as fast as the row asks for, by this computer's clock; only the long run asks that,
            on a computer that is not busy.
    """

    holds: bool
    seen: str
    in_time: bool = True


@dataclass(frozen=True)
class Row:
    """Attributes:
    name: of the row, for `--rows`.
    claim: what must hold.
    unit: what is counted.
    quick: how many, in the tests of every commit; 0: none there.
    full: how many, in the long run.
    run: tries so many.
    tools: "module:NAME" or executables without which it cannot run.
    """

    name: str
    claim: str
    unit: str
    quick: int
    full: int
    run: Callable[[int], Outcome]
    tools: tuple[str, ...] = ()
