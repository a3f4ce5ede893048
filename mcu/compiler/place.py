"""Places buffers of known size and lifetime in one arena: first fit over many orders, with safe overlaps."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

ALIGNMENT = 8


def aligned(size: int) -> int:
    """Bytes that a buffer of `size` takes: every buffer begins at a multiple of ALIGNMENT."""
    return -(-size // ALIGNMENT) * ALIGNMENT


@dataclass(frozen=True)
class Buffer:
    """Bytes that are alive from step `first` to step `last`, both included."""

    key: Hashable
    size: int
    first: int
    last: int


@dataclass(frozen=True)
class Placement:
    """Offset of every buffer, and the arena's size."""

    offsets: Mapping[Hashable, int]
    arena_bytes: int


def place(
    buffers: Sequence[Buffer],
    overlaps: Mapping[tuple[Hashable, Hashable], int],
    *,
    enough: int,
    effort: int = 300_000,
) -> Placement:
    """Offsets for all buffers; the smallest arena of many orders.

    Args:
        effort: how many pairs of buffers are looked at in all; three orders are always tried.
        enough: an arena of this size ends the search: no smaller one is possible.
        overlaps: (input, output) → distance: the two may share bytes if output offset <= input offset - distance.
    """
    sized = [Buffer(b.key, aligned(b.size), b.first, b.last) for b in buffers if b.size]
    by_size = sorted(sized, key=lambda b: (-b.size, b.first))
    orders = [
        by_size,
        sorted(sized, key=lambda b: (-(b.last - b.first), -b.size)),
        sorted(sized, key=lambda b: b.first),
    ]
    shuffled = random.Random(0)
    best: Placement | None = None
    for attempt in range(max(len(orders), min(100, effort // max(len(sized) ** 2, 1)))):
        if attempt < len(orders):
            order = orders[attempt]
        else:
            # Large ones first, but not strictly: a random nudge of up to a factor of four.
            nudged = [(b.size * shuffled.uniform(0.25, 1.0), b) for b in by_size]
            order = [b for _, b in sorted(nudged, key=lambda each: -each[0])]
        found = _first_fit(order, overlaps, below=None if best is None else best.arena_bytes)
        if found is not None:
            best = found
        if best is not None and best.arena_bytes <= enough:
            break
    assert best is not None
    zeros = {b.key: 0 for b in buffers if not b.size}
    return Placement({**best.offsets, **zeros}, best.arena_bytes)


def _first_fit(
    order: Sequence[Buffer], overlaps: Mapping[tuple[Hashable, Hashable], int], *, below: int | None
) -> Placement | None:
    """Each where it makes the arena grow least; None as soon as the arena is not smaller than `below`."""
    partners: dict[Hashable, set[Hashable]] = defaultdict(set)
    for source, target in overlaps:
        partners[source].add(target)
        partners[target].add(source)
    steps = np.array([(b.first, b.last) for b in order], np.int64).reshape(-1, 2)
    spans = np.zeros((len(order), 2), np.int64)  # where each begins and ends, once it is placed
    position: dict[Hashable, int] = {}
    low, high = 0, 0
    for place, buffer in enumerate(order):
        size = buffer.size
        walls = (steps[:place, 0] <= buffer.last) & (steps[:place, 1] >= buffer.first)
        friends = [
            (order[index], int(spans[index, 0]))
            for index in sorted(position[key] for key in partners[buffer.key] if key in position)
            if walls[index]
        ]
        walls[[position[friend.key] for friend, _ in friends]] = False
        starts, ends = spans[:place][walls].T
        choices = [0, low, high - size, high]
        for friend, at in friends:
            choices += [at + friend.size, at - size]
            # Beside a friend it may overlap: as its output, below it; as its input, above it.
            if (friend.key, buffer.key) in overlaps:
                choices.append(at - overlaps[friend.key, buffer.key])
            if (buffer.key, friend.key) in overlaps:
                choices.append(at + overlaps[buffer.key, friend.key])
        free = _between(np.concatenate([choices, starts - size, ends]), size, starts, ends)
        reach = np.maximum(high, free + size) - np.minimum(low, free)
        for at in free[np.lexsort((free, np.abs(free), reach))].tolist():
            if all(_apart(buffer, at, friend, there, overlaps) for friend, there in friends):
                spans[place], position[buffer.key] = (at, at + size), place
                low, high = min(low, at), max(high, at + size)
                break
        if below is not None and high - low >= below:
            return None
    return Placement({b.key: int(at) - low for b, at in zip(order, spans[:, 0], strict=True)}, high - low)


def _between(choices: np.ndarray, size: int, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The choices at which `size` bytes touch no wall; walls go from `starts` to `ends`."""
    ascending = np.argsort(starts, kind="stable")
    # Of the walls that begin below a choice's end, the one that ends last decides.
    begin_below = np.searchsorted(starts[ascending], choices + size)
    farthest = np.concatenate([[np.iinfo(np.int64).min], np.maximum.accumulate(ends[ascending])])
    return choices[farthest[begin_below] <= choices]


def _apart(
    a: Buffer, at_a: int, b: Buffer, at_b: int, overlaps: Mapping[tuple[Hashable, Hashable], int]
) -> bool:
    if at_a + a.size <= at_b or at_b + b.size <= at_a:
        return True
    if (a.key, b.key) in overlaps and at_b <= at_a - overlaps[a.key, b.key]:
        return True
    return (b.key, a.key) in overlaps and at_a <= at_b - overlaps[b.key, a.key]


def arena_is_sound(
    buffers: Sequence[Buffer], placement: Placement, overlaps: Mapping[tuple[Hashable, Hashable], int]
) -> bool:
    """No two buffers that live at the same time share bytes, except as allowed; all are inside and aligned."""
    solid = [b for b in buffers if b.size]
    at = placement.offsets
    if any(
        at[b.key] < 0 or at[b.key] % ALIGNMENT or at[b.key] + b.size > placement.arena_bytes for b in solid
    ):
        return False
    return all(
        _apart(a, at[a.key], b, at[b.key], overlaps)
        for i, a in enumerate(solid)
        for b in solid[i + 1 :]
        if a.first <= b.last and b.first <= a.last
    )
