"""Decides which operators run row by row together, and what memory every step needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from mcu.compiler.place import Buffer, Placement, aligned, place
from mcu.compiler.rows import overlap_distance
from mcu.compiler.stage import Stage
from mcu.tflite import TfliteModel

MAX_GROUP = 8  # stages that run together; KT_MAX_STAGES of kt_nn.h is the runner's own limit
SMALL_WIDTH = 12  # images up to this width run as one row where that is the same work

Group = tuple[Stage, ...]


@dataclass(frozen=True)
class Names:
    """Tensors that share storage: reshapes are other names of their input.

    Attributes:
        root: tensor -> the tensor that stands for the storage.
        members: root -> all its names.
    """

    root: Mapping[int, int]
    members: Mapping[int, frozenset[int]]


@dataclass(frozen=True)
class Schedule:
    """Steps in order, each a group of stages that run together, and where everything is."""

    groups: tuple[Group, ...]
    buffers: tuple[Buffer, ...]
    overlaps: Mapping[tuple[Hashable, Hashable], int]
    placement: Placement
    peak_step: int
    members: Mapping[int, frozenset[int]]  # storage -> the tensors that share it


class Memory:
    """What a list of groups needs: buffers with lifetimes, overlaps that are safe, and bytes alive per step."""

    def __init__(self, model: TfliteModel, names: Names):
        self._names = names
        self._inputs = [names.root[index] for index in model.inputs]
        self._outputs = [names.root[index] for index in model.outputs]
        self._bytes = {tensor.index: tensor.nbytes for tensor in model.tensors}
        self._distances: dict[tuple[tuple[tuple[int, int], ...], int], int] = {}

    def buffers(self, groups: Sequence[Group]) -> tuple[list[Buffer], dict[tuple[Hashable, Hashable], int]]:
        first: dict[int, int] = {root: -1 for root in self._inputs}
        last: dict[int, int] = {root: -1 for root in self._inputs}
        buffers: list[Buffer] = []
        for step, group in enumerate(groups):
            for root in self.reads(group):
                last[root] = step
            target = self._names.root[group[-1].target]
            first.setdefault(target, step)
            last[target] = step
            buffers += _temporaries(group, step)
        for root in self._outputs:
            last[root] = len(groups)
        buffers += [Buffer(("tensor", root), self._bytes[root], first[root], last[root]) for root in first]
        overlaps: dict[tuple[Hashable, Hashable], int] = {}
        for step, group in enumerate(groups):
            target = self._names.root[group[-1].target]
            for root in self.reads(group):
                if last[root] == step and first[target] == step and root != target:
                    overlaps[("tensor", root), ("tensor", target)] = self._distance(group, root)
        return buffers, overlaps

    def reads(self, group: Group) -> list[int]:
        """Storages that a group reads from outside of itself."""
        found = {group[0].source} if group[0].source >= 0 else set()
        for stage in group:
            found.update(stage.reads)
            if isinstance(stage.second, int):
                found.add(stage.second)
        return sorted({self._names.root[index] for index in found})

    def _distance(self, group: Group, root: int) -> int:
        # The same operators may run row by row or as one long row: the heights tell which.
        key = (tuple((stage.operator.index, stage.in_height) for stage in group), root)
        if key not in self._distances:
            self._distances[key] = overlap_distance(group, self._names.members[root])
        return self._distances[key]

    def alive(self, groups: Sequence[Group]) -> list[int]:
        """Bytes per step if everything could be packed without gaps."""
        buffers, overlaps = self.buffers(groups)
        changes = [0] * (len(groups) + 2)  # of the total, when a step begins
        for buffer in buffers:
            changes[max(buffer.first, 0)] += aligned(buffer.size)
            changes[buffer.last + 1] -= aligned(buffer.size)
        totals = list(accumulate(changes))[: len(groups)]
        saved: dict[int, int] = defaultdict(int)
        where = {buffer.key: buffer for buffer in buffers}
        for (source, target), distance in overlaps.items():
            into, out = aligned(where[source].size), aligned(where[target].size)
            together = max(into, out - distance) - min(0, -distance)
            step = where[target].first
            saved[step] = max(saved[step], into + out - together)
        return [total - saved[step] for step, total in enumerate(totals)]


def _temporaries(group: Group, step: int) -> Iterator[Buffer]:
    for index, stage in enumerate(group):
        yield Buffer(("scratch", step, index), stage.scratch_bytes, step, step)
        if index > 0:
            yield Buffer(("ring", step, index), stage.ring_rows * stage.in_row_bytes, step, step)


def make_schedule(model: TfliteModel, stages: Sequence[Stage], names: Names) -> Schedule:
    """Groups that keep the largest step small, then offsets for everything."""
    memory = Memory(model, names)
    groups = _smallest_peak(memory, [(stage,) for stage in stages], _fusable(model, stages, names))
    groups = [_flattened(group) for group in groups]
    buffers, overlaps = memory.buffers(groups)
    alive = memory.alive(groups)
    peak = max(range(len(alive)), key=alive.__getitem__, default=0)
    placement = place(buffers, overlaps, enough=max(alive, default=0))
    return Schedule(tuple(groups), tuple(buffers), overlaps, placement, peak, names.members)


def _flattened(group: Group) -> Group:
    """One long row instead of many short ones, for an operator on its own: fewer calls, fuller blocks."""
    (first, *rest) = group
    width = first.fields.get("in_width")
    if rest or first.flat is None or not isinstance(width, int) or width > SMALL_WIDTH:
        return group
    return (first.flat,)


def _fusable(model: TfliteModel, stages: Sequence[Stage], names: Names) -> list[bool]:
    """Whether stage i + 1 may take its rows straight from stage i."""
    uses: dict[int, int] = defaultdict(int)
    for stage in stages:
        for index in (stage.source, stage.second, *stage.reads):
            if isinstance(index, int) and index >= 0:
                uses[names.root[index]] += 1
    for index in model.outputs:
        uses[names.root[index]] += 1
    return [
        b.source == a.target
        and uses[names.root[a.target]] == 1
        and len(names.members[names.root[a.target]]) == 1
        and a.out_height == b.in_height > 1
        and a.out_row_bytes == b.in_row_bytes
        for a, b in pairwise(stages)
    ]


def _smallest_peak(memory: Memory, groups: list[Group], fusable: list[bool]) -> list[Group]:
    """Join groups around the step that needs most memory for as long as that makes the largest step smaller."""
    stages = [stage for group in groups for stage in group]
    position = {stage.operator.index: place for place, stage in enumerate(stages)}
    alive = memory.alive(groups)
    while groups:
        worst = max(range(len(groups)), key=alive.__getitem__)
        best: tuple[int, int, list[Group], list[int]] | None = None
        for low, high in _intervals(groups, worst, fusable, position):
            joined = [*groups[:low], tuple(s for g in groups[low : high + 1] for s in g), *groups[high + 1 :]]
            needs = memory.alive(joined)
            rank = (max(needs), high - low)
            if rank[0] < max(alive) and (best is None or rank < best[:2]):
                best = (*rank, joined, needs)
        if best is None:
            return groups
        groups, alive = best[2], best[3]
    return groups


def _intervals(
    groups: list[Group], worst: int, fusable: list[bool], position: Mapping[int, int]
) -> Iterator[tuple[int, int]]:
    """Runs of groups that contain the worst one and can be joined."""

    def joins(index: int) -> bool:
        return fusable[position[groups[index][-1].operator.index]]

    low = worst
    while True:
        high = low
        while True:
            if high >= worst and high > low and sum(len(g) for g in groups[low : high + 1]) <= MAX_GROUP:
                yield low, high
            if high + 1 >= len(groups) or not joins(high) or high - low >= MAX_GROUP:
                break
            high += 1
        if low == 0 or not joins(low - 1) or worst - low >= MAX_GROUP:
            return
        low -= 1
