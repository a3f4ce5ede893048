"""The order in which the runner computes rows, and how far an output may overlap its input because of it.

Twin of run_step in KerasTinyNN's kt_run.c.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mcu.compiler.stage import Stage


def row_order(stages: Sequence[Stage]) -> Iterator[tuple[int, int]]:
    """(stage, row) in the order of execution."""
    next_row = [0] * len(stages)
    last = len(stages) - 1
    while next_row[last] < stages[last].out_height:
        index = last
        while index > 0 and next_row[index - 1] <= stages[index].last_row(next_row[index]):
            index -= 1
        yield index, next_row[index]
        next_row[index] += 1


def overlap_distance(stages: Sequence[Stage], tensors: frozenset[int]) -> int:
    """Bytes by which the last stage's output has to start before an input, so that no row is lost.

    Args:
        tensors: the input, under all its names.

    Returns:
        Output address <= input address - distance is safe. Negative if the output may even start behind the input.
    """
    last = len(stages) - 1
    end = 1 << 60
    needed = end  # lowest byte of the input that is read after the current moment
    distance = -end
    for index, row in reversed(list(row_order(stages))):
        stage = stages[index]
        now = min((address for address in _reads(stage, index, row, tensors)), default=end)
        if index == last:
            start = row * stage.out_row_bytes
            distance = max(distance, start + stage.out_row_bytes - needed)
            distance = max(distance, start - now if stage.in_place else start + stage.out_row_bytes - now)
        needed = min(needed, now)
    return -(-distance // 8) * 8


def _reads(stage: Stage, index: int, row: int, tensors: frozenset[int]) -> Iterator[int]:
    """Lowest addresses that computing a row reads from the input."""
    if index == 0 and stage.source in tensors:
        yield stage.first_row(row) * stage.in_row_bytes
    if isinstance(stage.second, int) and stage.second in tensors:
        yield row * stage.out_row_bytes if stage.in_place else 0
    if not tensors.isdisjoint(stage.reads):
        yield 0
