"""Places buffers of known size and lifetime in one arena: first fit over many orders, with safe overlaps."""

from __future__ import annotations

import random
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

ALIGNMENT = 8


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
    buffers: Sequence[Buffer], overlaps: Mapping[tuple[Hashable, Hashable], int], *, tries: int = 60
) -> Placement:
    """Offsets for all buffers; the smallest arena of `tries` orders.

    Args:
        overlaps: (input, output) → distance: the two may share bytes if output offset <= input offset - distance.
    """
    sized = [Buffer(b.key, -(-b.size // ALIGNMENT) * ALIGNMENT, b.first, b.last) for b in buffers if b.size]
    by_size = sorted(sized, key=lambda b: (-b.size, b.first))
    orders = [
        by_size,
        sorted(sized, key=lambda b: (-(b.last - b.first), -b.size)),
        sorted(sized, key=lambda b: b.first),
    ]
    shuffled = random.Random(0)
    best: Placement | None = None
    for attempt in range(tries):
        if attempt < len(orders):
            order = orders[attempt]
        else:
            # Large ones first, but not strictly: a random nudge of up to a factor of four.
            nudged = [(b.size * shuffled.uniform(0.25, 1.0), b) for b in by_size]
            order = [b for _, b in sorted(nudged, key=lambda each: -each[0])]
        found = _first_fit(order, overlaps)
        if best is None or found.arena_bytes < best.arena_bytes:
            best = found
    assert best is not None
    zeros = {b.key: 0 for b in buffers if not b.size}
    return Placement({**best.offsets, **zeros}, best.arena_bytes)


def _first_fit(order: Sequence[Buffer], overlaps: Mapping[tuple[Hashable, Hashable], int]) -> Placement:
    placed: list[tuple[Buffer, int]] = []
    low, high = 0, 0
    for buffer in order:
        rivals = [(b, at) for b, at in placed if b.first <= buffer.last and buffer.first <= b.last]
        size = buffer.size
        candidates = {0, low, high - size}
        candidates |= {at + b.size for b, at in rivals} | {at - size for b, at in rivals}
        for rival, at in rivals:
            # Next to a rival it may overlap: as its output, below it; as its input, above it.
            if (rival.key, buffer.key) in overlaps:
                candidates.add(at - overlaps[rival.key, buffer.key])
            if (buffer.key, rival.key) in overlaps:
                candidates.add(at + overlaps[buffer.key, rival.key])
        costs = sorted((max(high, at + size) - min(low, at), abs(at), at) for at in candidates)
        for _, _, at in costs:
            if all(_apart(buffer, at, rival, there, overlaps) for rival, there in rivals):
                placed.append((buffer, at))
                low, high = min(low, at), max(high, at + size)
                break
        else:  # always possible above everything
            placed.append((buffer, high))
            high += size
    return Placement({b.key: at - low for b, at in placed}, high - low)


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
